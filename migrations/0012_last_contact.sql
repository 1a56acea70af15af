-- R05 and R06 are asked with the thresholds of the terms that are known when they are asked, so the facts of a row keep
-- what they look at.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE episode ADD COLUMN last_contact date;
COMMENT ON COLUMN episode.last_contact IS 'Date of the last contact; null when blank or no date';
