-- What the parties agreed.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE contract (
  provider       text        NOT NULL,
  provider_kind  text        NOT NULL DEFAULT 'provider' CHECK (provider_kind = 'provider'),
  id             text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  financial_year smallint    NOT NULL CHECK (financial_year BETWEEN 2010 AND 2099),
  mode           text        NOT NULL CHECK (mode IN ('live', 'shadow')),
  title          text        NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  coordinator    text        NOT NULL,
  created_by     text        NOT NULL REFERENCES person (id),
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (provider, id),
  UNIQUE (provider, id, mode),
  UNIQUE (provider, id, financial_year),
  FOREIGN KEY (provider, provider_kind) REFERENCES organisation (code, kind)
);
COMMENT ON TABLE contract IS 'One provider with one or more commissioners for one financial year';
COMMENT ON COLUMN contract.provider IS 'Provider (ODS)';
COMMENT ON COLUMN contract.provider_kind IS 'Always provider; ties the code to an organisation of that kind';
COMMENT ON COLUMN contract.id IS 'Generated id';
COMMENT ON COLUMN contract.financial_year IS '2012 means 2012-04-01..2013-03-31';
COMMENT ON COLUMN contract.mode IS 'live or shadow; fixed for the year';
COMMENT ON COLUMN contract.title IS 'What people call it';
COMMENT ON COLUMN contract.coordinator IS 'Commissioner whose approval binds the associates';
COMMENT ON COLUMN contract.created_by IS 'Who created it';
COMMENT ON COLUMN contract.created_at IS 'Instant on the product clock';

CREATE TABLE account (
  provider          text     NOT NULL,
  contract          text     NOT NULL,
  commissioner      text     NOT NULL,
  commissioner_kind text     NOT NULL DEFAULT 'commissioner' CHECK (commissioner_kind = 'commissioner'),
  financial_year    smallint NOT NULL,
  PRIMARY KEY (provider, contract, commissioner),
  UNIQUE (provider, commissioner, financial_year),
  FOREIGN KEY (provider, contract, financial_year) REFERENCES contract (provider, id, financial_year),
  FOREIGN KEY (commissioner, commissioner_kind) REFERENCES organisation (code, kind)
);
CREATE INDEX account_commissioner ON account (commissioner);
COMMENT ON TABLE account IS 'Contract x commissioner: what is settled, billed and signed';
COMMENT ON COLUMN account.provider IS 'Provider (ODS)';
COMMENT ON COLUMN account.contract IS 'Contract';
COMMENT ON COLUMN account.commissioner IS 'Commissioner (ODS); one account per provider, commissioner and year';
COMMENT ON COLUMN account.commissioner_kind IS 'Always commissioner; ties the code to an organisation of that kind';
COMMENT ON COLUMN account.financial_year IS 'Year of the contract';
ALTER TABLE contract ADD FOREIGN KEY (provider, id, coordinator)
  REFERENCES account (provider, contract, commissioner) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE terms (
  provider       text        NOT NULL,
  contract       text        NOT NULL,
  version        integer     NOT NULL CHECK (version > 0),
  mode           text        NOT NULL,
  effective_from date        NOT NULL CHECK (extract(day FROM effective_from) = 1),
  digest         bytea       NOT NULL,
  body           text        NOT NULL CHECK (octet_length(body) <= 4194304),
  author         text        NOT NULL REFERENCES person (id),
  created_at     timestamptz NOT NULL,
  state          text        NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'withdrawn')),
  known_from     timestamptz,
  revision       integer     NOT NULL DEFAULT 1 CHECK (revision > 0),
  PRIMARY KEY (provider, contract, version),
  UNIQUE (provider, contract, version, digest, author),
  FOREIGN KEY (provider, contract, mode) REFERENCES contract (provider, id, mode),
  CHECK (sha256(convert_to(body, 'UTF8')) = digest),
  CHECK ((state = 'approved') = (known_from IS NOT NULL))
);
COMMENT ON TABLE terms IS 'Versions of the terms of a contract; complete, immutable once a party has approved';
COMMENT ON COLUMN terms.provider IS 'Provider (ODS)';
COMMENT ON COLUMN terms.contract IS 'Contract';
COMMENT ON COLUMN terms.version IS '1, 2, 3 ... in order of drafting';
COMMENT ON COLUMN terms.mode IS 'Same as the contract''s';
COMMENT ON COLUMN terms.effective_from IS 'First month the version speaks for; may lie in the past';
COMMENT ON COLUMN terms.digest IS 'SHA-256 of the body: what both parties approve';
COMMENT ON COLUMN terms.body IS 'Canonical JSON, see api/formats/terms.md';
COMMENT ON COLUMN terms.author IS 'Who drafted it; may not approve it';
COMMENT ON COLUMN terms.created_at IS 'Instant on the product clock';
COMMENT ON COLUMN terms.state IS 'draft, approved (by both) or withdrawn';
COMMENT ON COLUMN terms.known_from IS 'Instant of the second approval, product clock; positions known earlier do not use it';
COMMENT ON COLUMN terms.revision IS 'Counts changes of the draft; the ETag';

CREATE TABLE terms_approval (
  provider     text        NOT NULL,
  contract     text        NOT NULL,
  version      integer     NOT NULL,
  side         text        NOT NULL CHECK (side IN ('provider', 'commissioner')),
  digest       bytea       NOT NULL,
  author       text        NOT NULL,
  organisation text        NOT NULL,
  person       text        NOT NULL,
  approved_at  timestamptz NOT NULL,
  PRIMARY KEY (provider, contract, version, side),
  FOREIGN KEY (provider, contract, version, digest, author)
    REFERENCES terms (provider, contract, version, digest, author),
  FOREIGN KEY (organisation, person) REFERENCES person (organisation, id),
  CHECK (person <> author),
  CHECK ((side = 'provider') = (organisation = provider))
);
COMMENT ON TABLE terms_approval IS 'One approval by each party, of one digest, never by the author; the foreign key makes an approved draft immutable';
COMMENT ON COLUMN terms_approval.provider IS 'Provider (ODS)';
COMMENT ON COLUMN terms_approval.contract IS 'Contract';
COMMENT ON COLUMN terms_approval.version IS 'Version approved';
COMMENT ON COLUMN terms_approval.side IS 'Party that approves';
COMMENT ON COLUMN terms_approval.digest IS 'Digest approved';
COMMENT ON COLUMN terms_approval.author IS 'Author of the version; carried here so that a CHECK can refuse self-approval';
COMMENT ON COLUMN terms_approval.organisation IS 'Organisation of the approver: the provider, or the coordinating commissioner';
COMMENT ON COLUMN terms_approval.person IS 'Approver';
COMMENT ON COLUMN terms_approval.approved_at IS 'Instant on the product clock';

CREATE TABLE window_exception (
  provider      text        NOT NULL,
  contract      text        NOT NULL,
  month         date        NOT NULL CHECK (extract(day FROM month) = 1),
  n             integer     NOT NULL CHECK (n > 0),
  reason        text        NOT NULL CHECK (octet_length(reason) BETWEEN 10 AND 500),
  asked_side    text        NOT NULL CHECK (asked_side IN ('provider', 'commissioner')),
  asked_by      text        NOT NULL REFERENCES person (id),
  asked_at      timestamptz NOT NULL,
  decision      text        CHECK (decision IN ('granted', 'refused')),
  decided_side  text        CHECK (decided_side IN ('provider', 'commissioner')),
  decided_by    text        REFERENCES person (id),
  decided_at    timestamptz CHECK (decided_at >= asked_at),
  closes_at     timestamptz CHECK (closes_at > decided_at),
  PRIMARY KEY (provider, contract, month, n),
  FOREIGN KEY (provider, contract) REFERENCES contract (provider, id),
  CHECK (decided_by <> asked_by),
  CHECK (decided_side <> asked_side),
  CHECK ((decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)
         AND (decision IS NULL) = (decided_side IS NULL)),
  CHECK ((decision IS NOT DISTINCT FROM 'granted') = (closes_at IS NOT NULL))
);
COMMENT ON TABLE window_exception IS 'A closed month opened again for one contract: asked for by one party, granted by another person of the other';
COMMENT ON COLUMN window_exception.provider IS 'Provider (ODS)';
COMMENT ON COLUMN window_exception.contract IS 'Contract';
COMMENT ON COLUMN window_exception.month IS 'First day of the month that is opened';
COMMENT ON COLUMN window_exception.n IS '1, 2 ... per contract and month';
COMMENT ON COLUMN window_exception.reason IS 'Why';
COMMENT ON COLUMN window_exception.asked_side IS 'Party that asks';
COMMENT ON COLUMN window_exception.asked_by IS 'Person who asks';
COMMENT ON COLUMN window_exception.asked_at IS 'Instant on the product clock';
COMMENT ON COLUMN window_exception.decision IS 'granted or refused; null while open';
COMMENT ON COLUMN window_exception.decided_side IS 'Party that decides: the other one';
COMMENT ON COLUMN window_exception.decided_by IS 'Person who decides: another one';
COMMENT ON COLUMN window_exception.decided_at IS 'Instant on the product clock; uploads begun from here to closes_at count for the contract';
COMMENT ON COLUMN window_exception.closes_at IS 'Instant at which the opening ends';

CREATE TABLE achievement (
  provider      text        NOT NULL,
  contract      text        NOT NULL,
  commissioner  text        NOT NULL,
  indicator     text        NOT NULL CHECK (length(indicator) BETWEEN 1 AND 40),
  n             integer     NOT NULL CHECK (n > 0),
  numerator     bigint      NOT NULL CHECK (numerator >= 0),
  denominator   bigint      NOT NULL CHECK (denominator >= 0),
  evidence      text        NOT NULL CHECK (length(evidence) BETWEEN 1 AND 500),
  proposed_side text        NOT NULL CHECK (proposed_side IN ('provider', 'commissioner')),
  proposed_by   text        NOT NULL REFERENCES person (id),
  proposed_at   timestamptz NOT NULL,
  agreed_side   text        CHECK (agreed_side IN ('provider', 'commissioner')),
  agreed_by     text        REFERENCES person (id),
  agreed_at     timestamptz CHECK (agreed_at >= proposed_at),
  PRIMARY KEY (provider, contract, commissioner, indicator, n),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  CHECK (numerator <= denominator OR denominator = 0),
  CHECK (agreed_by <> proposed_by),
  CHECK (agreed_side <> proposed_side),
  CHECK ((agreed_by IS NULL) = (agreed_at IS NULL) AND (agreed_by IS NULL) = (agreed_side IS NULL))
);
COMMENT ON TABLE achievement IS 'CQUIN measures; the newest agreed one of an indicator counts, until then the on-account assumption';
COMMENT ON COLUMN achievement.provider IS 'Provider (ODS)';
COMMENT ON COLUMN achievement.contract IS 'Contract';
COMMENT ON COLUMN achievement.commissioner IS 'Account';
COMMENT ON COLUMN achievement.indicator IS 'Indicator id of the terms';
COMMENT ON COLUMN achievement.n IS '1, 2 ... in order of proposal';
COMMENT ON COLUMN achievement.numerator IS 'Measured cases that meet it';
COMMENT ON COLUMN achievement.denominator IS 'Measured cases; 0 means not measured';
COMMENT ON COLUMN achievement.evidence IS 'Where the figures come from';
COMMENT ON COLUMN achievement.proposed_side IS 'Party that proposes';
COMMENT ON COLUMN achievement.proposed_by IS 'Person who proposes';
COMMENT ON COLUMN achievement.proposed_at IS 'Instant on the product clock';
COMMENT ON COLUMN achievement.agreed_side IS 'Party that agrees: the other one';
COMMENT ON COLUMN achievement.agreed_by IS 'Person who agrees: another one';
COMMENT ON COLUMN achievement.agreed_at IS 'Instant on the product clock';
