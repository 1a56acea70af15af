-- Findings and amounts are looked up by the dozen for a page: their keys begin with a number, as that of the rows does.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE finding DROP CONSTRAINT finding_pkey, ADD PRIMARY KEY (submission, row_no, rule, evaluation, provider);
ALTER TABLE stake DROP CONSTRAINT stake_pkey, ADD PRIMARY KEY (submission, row_no, provider);
