-- What the service measures of each provider, equally for both sides, and the prices it compares clusters by.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE reference_set DROP CONSTRAINT reference_set_kind_check,
  ADD CONSTRAINT reference_set_kind_check
    CHECK (kind IN ('clusters', 'bank_holidays', 'practices', 'allocation_grid', 'reference_prices'));
