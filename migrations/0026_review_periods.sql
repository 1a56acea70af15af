-- Which review periods a month was settled under.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE review_periods (
  sha256  bytea PRIMARY KEY,
  periods text  NOT NULL CHECK (sha256(convert_to(periods, 'UTF8')) = sha256)
);
COMMENT ON TABLE review_periods IS 'Review periods by cluster, of the reference data, that settlement counted from';
COMMENT ON COLUMN review_periods.sha256 IS 'SHA-256 of periods; runs and frozen months name them by it';
COMMENT ON COLUMN review_periods.periods IS 'Canonical JSON: {"04":{"months":6},"14":{"days":28}}';
CREATE TRIGGER review_periods_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_periods
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON review_periods TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT ON review_periods TO reckoner_worker;

ALTER TABLE run_input ADD COLUMN review_periods bytea REFERENCES review_periods,
  ADD CONSTRAINT run_input_review_periods CHECK (review_periods IS NOT NULL) NOT VALID;
COMMENT ON COLUMN run_input.review_periods IS
  'Review periods that the run counted the month by; null in runs from before they were kept';
ALTER TABLE frozen_month ADD COLUMN review_periods bytea REFERENCES review_periods,
  ADD CONSTRAINT frozen_month_review_periods CHECK (review_periods IS NOT NULL) NOT VALID;
COMMENT ON COLUMN frozen_month.review_periods IS
  'Review periods that hold for the month from then on; null for months frozen before they were kept: those in use hold';
