-- What people agree or decide and a position rests on, beside terms, achievements and rows.
SET LOCAL search_path = reckoner, pg_catalog;

-- ------------------------------------------------------------------------------------------------------------ agreements

CREATE TABLE agreement (
  provider         text        NOT NULL,
  contract         text        NOT NULL,
  commissioner     text        NOT NULL,
  n                integer     NOT NULL CHECK (n > 0),
  kind             text        NOT NULL CHECK (kind IN ('adjustment', 'opening_entry', 'month_without_activity',
                                                        'withhold_decision')),
  month            date        CHECK (extract(day FROM month) = 1),
  body             text        NOT NULL CHECK (octet_length(body) BETWEEN 2 AND 4096),
  digest           bytea       NOT NULL,
  once             text        CHECK (length(once) BETWEEN 1 AND 100),
  proposed_side    text        NOT NULL CHECK (proposed_side IN ('provider', 'commissioner')),
  proposed_for     text        NOT NULL,
  proposed_by      text        NOT NULL,
  proposed_at      timestamptz NOT NULL,
  outcome          text        CHECK (outcome IN ('agreed', 'refused', 'withdrawn')),
  closed_side      text        CHECK (closed_side IN ('provider', 'commissioner')),
  closed_for       text,
  closed_by        text,
  closed_at        timestamptz CHECK (closed_at >= proposed_at),
  refusal          text        CHECK (octet_length(refusal) BETWEEN 10 AND 500),
  PRIMARY KEY (provider, contract, commissioner, n),
  UNIQUE (provider, contract, commissioner, n, kind),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (proposed_for, proposed_by) REFERENCES person (organisation, id),
  FOREIGN KEY (closed_for, closed_by) REFERENCES person (organisation, id),
  CONSTRAINT agreement_digest CHECK (sha256(convert_to(body, 'UTF8')) = digest),
  CONSTRAINT agreement_month CHECK ((month IS NULL) = (kind = 'opening_entry')),
  CONSTRAINT agreement_closed CHECK (num_nulls(outcome, closed_side, closed_for, closed_by, closed_at) IN (0, 5)),
  CONSTRAINT agreement_proposer CHECK (proposed_for = CASE proposed_side WHEN 'provider' THEN provider
                                                                         ELSE commissioner END),
  CONSTRAINT agreement_closer CHECK (closed_for = CASE closed_side WHEN 'provider' THEN provider ELSE commissioner END),
  CONSTRAINT agreement_two_sides CHECK ((outcome = 'withdrawn') = (closed_side = proposed_side)),
  CONSTRAINT agreement_two_persons CHECK (outcome = 'withdrawn' OR closed_by <> proposed_by),
  CONSTRAINT agreement_refusal CHECK ((outcome IS NOT DISTINCT FROM 'refused') = (refusal IS NOT NULL))
);
CREATE UNIQUE INDEX agreement_once ON agreement (provider, contract, commissioner, once)
  WHERE outcome IS NULL OR outcome = 'agreed';
COMMENT ON TABLE agreement IS 'What one party of an account proposes and a person of the other agrees; counts from closed_at on, when agreed';
COMMENT ON COLUMN agreement.provider IS 'Provider (ODS)';
COMMENT ON COLUMN agreement.contract IS 'Contract';
COMMENT ON COLUMN agreement.commissioner IS 'Account';
COMMENT ON COLUMN agreement.n IS '1, 2 ... per account, in order of proposal';
COMMENT ON COLUMN agreement.kind IS 'Which of the tables beside this one says what is agreed';
COMMENT ON COLUMN agreement.month IS 'First day of the month it is about; null for an opening entry';
COMMENT ON COLUMN agreement.body IS 'What is agreed, canonical JSON';
COMMENT ON COLUMN agreement.digest IS 'SHA-256 of the body';
COMMENT ON COLUMN agreement.once IS 'What can be agreed but once: of those that are open or agreed, one alone has this name';
COMMENT ON COLUMN agreement.proposed_side IS 'Party that proposes';
COMMENT ON COLUMN agreement.proposed_for IS 'Its organisation';
COMMENT ON COLUMN agreement.proposed_by IS 'Person who proposes';
COMMENT ON COLUMN agreement.proposed_at IS 'Instant on the product clock';
COMMENT ON COLUMN agreement.outcome IS 'agreed or refused (by the other party), withdrawn (by the one that proposed); null while open';
COMMENT ON COLUMN agreement.closed_side IS 'Party that agreed, refused or withdrew';
COMMENT ON COLUMN agreement.closed_for IS 'Its organisation';
COMMENT ON COLUMN agreement.closed_by IS 'Person who did';
COMMENT ON COLUMN agreement.closed_at IS 'Instant on the product clock; positions known earlier do not use it';
COMMENT ON COLUMN agreement.refusal IS 'Why it was refused';

CREATE TABLE adjustment (
  provider       text    NOT NULL,
  contract       text    NOT NULL,
  commissioner   text    NOT NULL,
  n              integer NOT NULL,
  kind           text    NOT NULL DEFAULT 'adjustment' CHECK (kind = 'adjustment'),
  month          date    NOT NULL,
  pence          bigint  NOT NULL CHECK (pence <> 0 AND pence BETWEEN -1000000000000000 AND 1000000000000000),
  label          text    NOT NULL CHECK (length(label) BETWEEN 1 AND 200),
  in_cquin       boolean NOT NULL,
  reverses       integer,
  reversed_pence bigint  GENERATED ALWAYS AS (CASE WHEN reverses IS NULL THEN NULL ELSE -pence END) STORED,
  PRIMARY KEY (provider, contract, commissioner, n),
  UNIQUE (provider, contract, commissioner, n, month, in_cquin, pence),
  FOREIGN KEY (provider, contract, commissioner, n, kind)
    REFERENCES agreement (provider, contract, commissioner, n, kind),
  CONSTRAINT adjustment_reverses_whole FOREIGN KEY (provider, contract, commissioner, reverses, month, in_cquin, reversed_pence)
    REFERENCES adjustment (provider, contract, commissioner, n, month, in_cquin, pence)
);
COMMENT ON TABLE adjustment IS 'Sums beside activity; a reversal is an adjustment of the opposite sum in the same month';
COMMENT ON COLUMN adjustment.provider IS 'Provider (ODS)';
COMMENT ON COLUMN adjustment.contract IS 'Contract';
COMMENT ON COLUMN adjustment.commissioner IS 'Account';
COMMENT ON COLUMN adjustment.n IS 'agreement.n; also the number in the line''s key';
COMMENT ON COLUMN adjustment.kind IS 'Always adjustment; ties it to an agreement of that kind';
COMMENT ON COLUMN adjustment.month IS 'First day of the month it belongs to';
COMMENT ON COLUMN adjustment.pence IS 'What the commissioner owes more (positive) or less';
COMMENT ON COLUMN adjustment.label IS 'Reason, as printed on documents';
COMMENT ON COLUMN adjustment.in_cquin IS 'Whether CQUIN is earned on it';
COMMENT ON COLUMN adjustment.reverses IS 'The adjustment it takes back, n';
COMMENT ON COLUMN adjustment.reversed_pence IS 'Sum of the adjustment it takes back';

CREATE TABLE opening_entry (
  provider     text    NOT NULL,
  contract     text    NOT NULL,
  commissioner text    NOT NULL,
  n            integer NOT NULL,
  kind         text    NOT NULL DEFAULT 'opening_entry' CHECK (kind = 'opening_entry'),
  number       text    NOT NULL CHECK (length(number) BETWEEN 1 AND 40),
  issued_on    date    NOT NULL,
  pence        bigint  NOT NULL CHECK (pence <> 0 AND pence BETWEEN -1000000000000000 AND 1000000000000000),
  PRIMARY KEY (provider, contract, commissioner, n),
  FOREIGN KEY (provider, contract, commissioner, n, kind)
    REFERENCES agreement (provider, contract, commissioner, n, kind)
);
COMMENT ON TABLE opening_entry IS 'Documents that were issued elsewhere before the contract came here: billed already';
COMMENT ON COLUMN opening_entry.provider IS 'Provider (ODS)';
COMMENT ON COLUMN opening_entry.contract IS 'Contract';
COMMENT ON COLUMN opening_entry.commissioner IS 'Account';
COMMENT ON COLUMN opening_entry.n IS 'agreement.n';
COMMENT ON COLUMN opening_entry.kind IS 'Always opening_entry; ties it to an agreement of that kind';
COMMENT ON COLUMN opening_entry.number IS 'Number of the document, as it was issued';
COMMENT ON COLUMN opening_entry.issued_on IS 'Its date';
COMMENT ON COLUMN opening_entry.pence IS 'Its amount; a credit note''s is negative';

CREATE FUNCTION opening_entries_sum(p_provider text, p_contract text, p_commissioner text) RETURNS bigint
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(sum(o.pence), 0)::bigint FROM reckoner.opening_entry o
          JOIN reckoner.agreement a USING (provider, contract, commissioner, n)
          WHERE o.provider = p_provider AND o.contract = p_contract AND o.commissioner = p_commissioner
            AND a.outcome = 'agreed');
END $$;
COMMENT ON FUNCTION opening_entries_sum(text, text, text) IS 'Sum of an account''s agreed opening entries, in pence: billed elsewhere';

CREATE TABLE month_without_activity (
  provider     text    NOT NULL,
  contract     text    NOT NULL,
  commissioner text    NOT NULL,
  n            integer NOT NULL,
  kind         text    NOT NULL DEFAULT 'month_without_activity' CHECK (kind = 'month_without_activity'),
  month        date    NOT NULL,
  counts_as    text    NOT NULL CHECK (counts_as IN ('zero', 'estimate')),
  PRIMARY KEY (provider, contract, commissioner, n),
  FOREIGN KEY (provider, contract, commissioner, n, kind)
    REFERENCES agreement (provider, contract, commissioner, n, kind)
);
COMMENT ON TABLE month_without_activity IS 'What a month counts as while no submission is accepted; the one agreed last holds, and rows replace it';
COMMENT ON COLUMN month_without_activity.provider IS 'Provider (ODS)';
COMMENT ON COLUMN month_without_activity.contract IS 'Contract';
COMMENT ON COLUMN month_without_activity.commissioner IS 'Account';
COMMENT ON COLUMN month_without_activity.n IS 'agreement.n';
COMMENT ON COLUMN month_without_activity.kind IS 'Always month_without_activity; ties it to an agreement of that kind';
COMMENT ON COLUMN month_without_activity.month IS 'First day of the month';
COMMENT ON COLUMN month_without_activity.counts_as IS 'zero, or estimate: the plan of the month';

CREATE TABLE withhold (
  provider     text        NOT NULL,
  contract     text        NOT NULL,
  commissioner text        NOT NULL,
  month        date        NOT NULL CHECK (extract(day FROM month) = 1),
  id           text        NOT NULL CHECK (length(id) BETWEEN 1 AND 40),
  reason       text        NOT NULL CHECK (octet_length(reason) BETWEEN 10 AND 500),
  imposed_by   text        NOT NULL,
  imposed_at   timestamptz NOT NULL,
  PRIMARY KEY (provider, contract, commissioner, month, id),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (commissioner, imposed_by) REFERENCES person (organisation, id)
);
COMMENT ON TABLE withhold IS 'A share of a month''s value held back by the commissioner while data is missing or poor, under a withhold of the terms';
COMMENT ON COLUMN withhold.provider IS 'Provider (ODS)';
COMMENT ON COLUMN withhold.contract IS 'Contract';
COMMENT ON COLUMN withhold.commissioner IS 'Account';
COMMENT ON COLUMN withhold.month IS 'First day of the month whose value it is a share of';
COMMENT ON COLUMN withhold.id IS 'Id of the withhold in the terms';
COMMENT ON COLUMN withhold.reason IS 'What is missing or poor';
COMMENT ON COLUMN withhold.imposed_by IS 'Person of the commissioner';
COMMENT ON COLUMN withhold.imposed_at IS 'Instant on the product clock';

CREATE TABLE withhold_decision (
  provider     text    NOT NULL,
  contract     text    NOT NULL,
  commissioner text    NOT NULL,
  n            integer NOT NULL,
  kind         text    NOT NULL DEFAULT 'withhold_decision' CHECK (kind = 'withhold_decision'),
  month        date    NOT NULL,
  withhold     text    NOT NULL,
  decision     text    NOT NULL CHECK (decision IN ('released', 'kept')),
  pence        bigint  NOT NULL CHECK (pence BETWEEN 0 AND 1000000000000000),
  PRIMARY KEY (provider, contract, commissioner, n),
  FOREIGN KEY (provider, contract, commissioner, n, kind)
    REFERENCES agreement (provider, contract, commissioner, n, kind),
  FOREIGN KEY (provider, contract, commissioner, month, withhold)
    REFERENCES withhold (provider, contract, commissioner, month, id)
);
COMMENT ON TABLE withhold_decision IS 'How a withhold ends: released or kept, and with what amount';
COMMENT ON COLUMN withhold_decision.provider IS 'Provider (ODS)';
COMMENT ON COLUMN withhold_decision.contract IS 'Contract';
COMMENT ON COLUMN withhold_decision.commissioner IS 'Account';
COMMENT ON COLUMN withhold_decision.n IS 'agreement.n';
COMMENT ON COLUMN withhold_decision.kind IS 'Always withhold_decision; ties it to an agreement of that kind';
COMMENT ON COLUMN withhold_decision.month IS 'Month of the withhold';
COMMENT ON COLUMN withhold_decision.withhold IS 'withhold.id';
COMMENT ON COLUMN withhold_decision.decision IS 'released (an equal positive line) or kept';
COMMENT ON COLUMN withhold_decision.pence IS 'Amount withheld, from the decision on no longer computed';

-- What must hold of an agreement and the table of its kind, which no foreign key can say.
CREATE FUNCTION check_agreement() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whole boolean;
  year  smallint := (SELECT c.financial_year FROM reckoner.contract c WHERE c.provider = NEW.provider AND c.id = NEW.contract);
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM reckoner.%I t WHERE t.provider = $1 AND t.contract = $2 AND t.commissioner = $3
                  AND t.n = $4 %s)', NEW.kind,
                 CASE WHEN NEW.kind <> 'opening_entry' THEN 'AND t.month = $5' ELSE '' END)
    INTO whole USING NEW.provider, NEW.contract, NEW.commissioner, NEW.n, NEW.month;
  IF NOT whole THEN
    RAISE EXCEPTION 'an agreement says what is agreed, in the table of its kind'
      USING ERRCODE = 'check_violation', TABLE = 'agreement', CONSTRAINT = 'agreement_whole';
  END IF;
  IF NEW.month < make_date(year, 4, 1) OR NEW.month >= make_date(year + 1, 4, 1) THEN
    RAISE EXCEPTION 'the month is not of the contract''s year'
      USING ERRCODE = 'check_violation', TABLE = 'agreement', CONSTRAINT = 'agreement_year';
  END IF;
  IF NEW.kind = 'adjustment' AND EXISTS (
       SELECT FROM reckoner.adjustment r JOIN reckoner.agreement a ON a.provider = r.provider AND a.contract = r.contract
              AND a.commissioner = r.commissioner AND a.n = r.reverses
        WHERE r.provider = NEW.provider AND r.contract = NEW.contract AND r.commissioner = NEW.commissioner AND r.n = NEW.n
          AND a.outcome IS DISTINCT FROM 'agreed') THEN
    RAISE EXCEPTION 'only an agreed adjustment is reversed'
      USING ERRCODE = 'check_violation', TABLE = 'adjustment', CONSTRAINT = 'adjustment_reverses_agreed';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_agreement() IS
  'Trigger body: an agreement has its row in the table of its kind, for the same month, of the contract''s year, and reverses what was agreed';
CREATE CONSTRAINT TRIGGER agreement_whole AFTER INSERT OR UPDATE ON agreement DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_agreement();

CREATE TRIGGER agreement_kept BEFORE UPDATE ON agreement FOR EACH ROW
  WHEN (OLD.outcome IS NOT NULL OR (NEW.provider, NEW.contract, NEW.commissioner, NEW.n, NEW.kind, NEW.month, NEW.body,
        NEW.digest, NEW.once, NEW.proposed_side, NEW.proposed_for, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM (OLD.provider, OLD.contract, OLD.commissioner, OLD.n, OLD.kind, OLD.month, OLD.body, OLD.digest,
        OLD.once, OLD.proposed_side, OLD.proposed_for, OLD.proposed_by, OLD.proposed_at))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER agreement_not_deleted BEFORE DELETE OR TRUNCATE ON agreement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------------------------------------------------------- rights

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['agreement', 'adjustment', 'opening_entry', 'month_without_activity', 'withhold',
                           'withhold_decision'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web USING (provider = ANY ((SELECT'
      ' reckoner.visible_providers())::text[]) OR commissioner = ANY ((SELECT reckoner.visible_commissioners())::text[]))',
      t || '_read', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
    IF t <> 'agreement' THEN
      EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON reckoner.%I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION reckoner.refuse_change()', t || '_append_only', t);
    END IF;
  END LOOP;
  -- What is proposed is written with its agreement, by the person who proposes it.
  FOREACH t IN ARRAY ARRAY['adjustment', 'opening_entry', 'month_without_activity', 'withhold_decision'] LOOP
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR INSERT TO reckoner_web WITH CHECK (EXISTS (SELECT FROM'
      ' reckoner.agreement a WHERE a.provider = %2$I.provider AND a.contract = %2$I.contract'
      ' AND a.commissioner = %2$I.commissioner AND a.n = %2$I.n AND a.outcome IS NULL'
      ' AND a.proposed_by = (SELECT reckoner.caller_person())))', t || '_propose', t);
    EXECUTE format('GRANT INSERT ON reckoner.%I TO reckoner_web', t);
  END LOOP;
END $$;
CREATE POLICY agreement_propose ON agreement FOR INSERT TO reckoner_web
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
              AND outcome IS NULL AND proposed_by = (SELECT caller_person()) AND proposed_side = (SELECT caller_role()));
CREATE POLICY agreement_close ON agreement FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
  WITH CHECK (closed_by = (SELECT caller_person()) AND closed_side = (SELECT caller_role()));
CREATE POLICY withhold_impose ON withhold FOR INSERT TO reckoner_web
  WITH CHECK (commissioner = (SELECT acting_commissioner()) AND imposed_by = (SELECT caller_person()));

GRANT INSERT (provider, contract, commissioner, n, kind, month, body, digest, once, proposed_side, proposed_for, proposed_by,
  proposed_at), UPDATE (outcome, closed_side, closed_for, closed_by, closed_at, refusal) ON agreement TO reckoner_web;
GRANT INSERT ON withhold TO reckoner_web;

-- What holds a contract, beside what held it so far.
CREATE OR REPLACE FUNCTION contract_hold(p_provider text, p_contract text) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind text;
  held boolean;
BEGIN
  IF EXISTS (SELECT FROM reckoner.terms t WHERE t.provider = p_provider AND t.contract = p_contract
             AND t.state = 'approved')
     OR EXISTS (SELECT FROM reckoner.terms_approval a WHERE a.provider = p_provider AND a.contract = p_contract
                GROUP BY a.version HAVING count(*) > 1) THEN
    RETURN 'approved_terms';
  END IF;
  FOREACH kind IN ARRAY ARRAY['document', 'run', 'frozen_month', 'window_exception', 'achievement', 'agreement', 'withhold',
                            'challenge'] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM reckoner.%I t WHERE t.provider = $1 AND t.contract = $2)', kind)
      INTO held USING p_provider, p_contract;
    IF held THEN
      RETURN CASE kind WHEN 'window_exception' THEN 'exception' ELSE kind END;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION contract_hold(text, text) IS
  'What rests on a contract, so that it stays: approved_terms (by both parties), document, run, frozen_month, exception, achievement, agreement, withhold or challenge; null when nothing does';

REVOKE ALL ON FUNCTION check_agreement(), opening_entries_sum(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION opening_entries_sum(text, text, text) TO reckoner_web, reckoner_worker;

-- ---------------------------------------------------------------------------------------------------------- achievements

-- The other side may answer a proposed measure with its own. Of such a pair one is agreed; until then both are shown and
-- the assumption of the terms stands.
ALTER TABLE achievement
  ADD COLUMN disputes integer CONSTRAINT achievement_disputes_earlier CHECK (disputes < n),
  ADD COLUMN disputed_side text GENERATED ALWAYS AS (CASE WHEN disputes IS NULL THEN NULL
    WHEN proposed_side = 'provider' THEN 'commissioner' ELSE 'provider' END) STORED,
  ADD UNIQUE (provider, contract, commissioner, indicator, n, proposed_side),
  ADD CONSTRAINT achievement_disputed_once UNIQUE (provider, contract, commissioner, indicator, disputes),
  ADD CONSTRAINT achievement_disputes_other_side FOREIGN KEY (provider, contract, commissioner, indicator, disputes,
    disputed_side) REFERENCES achievement (provider, contract, commissioner, indicator, n, proposed_side);
CREATE UNIQUE INDEX achievement_one_of_a_dispute
  ON achievement (provider, contract, commissioner, indicator, coalesce(disputes, n)) WHERE agreed_at IS NOT NULL;
COMMENT ON COLUMN achievement.disputes IS 'The measure of the other party, n, that this one answers; null when it stands by itself';
COMMENT ON COLUMN achievement.disputed_side IS 'Party that proposed the measure that this one answers';

DROP TRIGGER achievement_agreed ON achievement;
CREATE TRIGGER achievement_agreed BEFORE UPDATE ON achievement FOR EACH ROW
  WHEN (OLD.agreed_by IS NOT NULL OR (NEW.provider, NEW.contract, NEW.commissioner, NEW.indicator, NEW.n, NEW.numerator,
        NEW.denominator, NEW.evidence, NEW.disputes, NEW.proposed_side, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM (OLD.provider, OLD.contract, OLD.commissioner, OLD.indicator, OLD.n, OLD.numerator,
        OLD.denominator, OLD.evidence, OLD.disputes, OLD.proposed_side, OLD.proposed_by, OLD.proposed_at))
  EXECUTE FUNCTION keep_decision();
GRANT INSERT (disputes) ON achievement TO reckoner_web;

-- ------------------------------------------------------------------------------------------------------------ challenges

CREATE FUNCTION episode_sha256(e episode) RETURNS bytea
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(convert_to(jsonb_build_array(e.episode_id, e.patient, e.commissioner, e.cluster, e.service, e.start_date,
    e.end_date, e.mhct_date, e.mhct_reason, e.referral_date, e.last_contact, e.admitted_days, e.assessment_only, e.continues,
    e.approved, e.minor, e.failed)::text, 'UTF8'))
$$;
COMMENT ON FUNCTION episode_sha256(episode) IS 'Digest of what a row says: another one when the row was changed, the same wherever the row stands in its file';

CREATE TABLE challenge (
  provider      text        NOT NULL,
  contract      text        NOT NULL,
  commissioner  text        NOT NULL,
  number        integer     NOT NULL CHECK (number > 0),
  month         date        NOT NULL CHECK (extract(day FROM month) = 1),
  reason        text        NOT NULL CHECK (reason IN ('duplicate', 'wrong_cluster', 'wrong_days', 'out_of_scope',
                              'not_approved', 'wrong_commissioner', 'not_provided', 'data_quality', 'other')),
  evidence      text        NOT NULL CHECK (octet_length(evidence) BETWEEN 10 AND 2000),
  claimed_pence bigint      NOT NULL CHECK (claimed_pence BETWEEN 1 AND 1000000000000000),
  chosen_by     text        NOT NULL CHECK (chosen_by IN ('rows', 'line', 'filter')),
  chosen        text        NOT NULL CHECK (octet_length(chosen) <= 200),
  rule          text        REFERENCES rule (id),
  billed        boolean     NOT NULL,
  document      text,
  reopens       integer     CHECK (reopens < number),
  raised_by     text,
  raised_at     timestamptz NOT NULL,
  answer_by     timestamptz NOT NULL CHECK (answer_by > raised_at),
  outcome       text        CHECK (outcome IN ('accepted', 'rejected', 'split', 'withdrawn')),
  closed_for    text,
  closed_by     text,
  closed_at     timestamptz CHECK (closed_at >= raised_at),
  answer        text        CHECK (octet_length(answer) BETWEEN 10 AND 2000),
  held_pence    bigint      CHECK (held_pence >= 0),
  PRIMARY KEY (provider, contract, commissioner, number),
  UNIQUE (provider, contract, commissioner, number, month),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (provider, document) REFERENCES document (provider, id),
  FOREIGN KEY (provider, contract, commissioner, reopens) REFERENCES challenge (provider, contract, commissioner, number),
  FOREIGN KEY (commissioner, raised_by) REFERENCES person (organisation, id),
  FOREIGN KEY (closed_for, closed_by) REFERENCES person (organisation, id),
  CONSTRAINT challenge_raised CHECK ((raised_by IS NULL) = (reopens IS NOT NULL)),
  CONSTRAINT challenge_document CHECK (billed = (document IS NOT NULL)),
  CONSTRAINT challenge_closed CHECK (num_nulls(outcome, closed_for, closed_by, closed_at) IN (0, 4)),
  CONSTRAINT challenge_closer CHECK (closed_for = CASE outcome WHEN 'withdrawn' THEN commissioner ELSE provider END),
  CONSTRAINT challenge_answer CHECK (outcome NOT IN ('rejected', 'split') OR answer IS NOT NULL),
  CONSTRAINT challenge_held CHECK (held_pence IS NULL OR billed)
);
CREATE INDEX challenge_of_document ON challenge (provider, document) WHERE outcome IS NULL;
COMMENT ON TABLE challenge IS 'What a commissioner contests of one month, with what it would be by the commissioner''s reckoning';
COMMENT ON COLUMN challenge.provider IS 'Provider (ODS)';
COMMENT ON COLUMN challenge.contract IS 'Contract';
COMMENT ON COLUMN challenge.commissioner IS 'Account';
COMMENT ON COLUMN challenge.number IS '1, 2 ... per account, in order of raising; contested sums telescope in this order';
COMMENT ON COLUMN challenge.month IS 'First day of the month of its rows';
COMMENT ON COLUMN challenge.reason IS 'Code of why';
COMMENT ON COLUMN challenge.evidence IS 'What the commissioner rests on';
COMMENT ON COLUMN challenge.claimed_pence IS 'Amount claimed; the contested sum is never above it';
COMMENT ON COLUMN challenge.chosen_by IS 'How the rows were chosen: by name, as those of a line, or by a filter over findings';
COMMENT ON COLUMN challenge.chosen IS 'The line''s key, or the filter as canonical JSON; empty for rows by name';
COMMENT ON COLUMN challenge.rule IS 'Rule of the filter';
COMMENT ON COLUMN challenge.billed IS 'The month''s activity was billed when it was raised: payment is held, and nothing credited before the decision';
COMMENT ON COLUMN challenge.document IS 'Document that billed the month last before it was raised';
COMMENT ON COLUMN challenge.reopens IS 'Number of the challenge whose decided rows were changed since';
COMMENT ON COLUMN challenge.raised_by IS 'Person of the commissioner; null when it reopened by itself';
COMMENT ON COLUMN challenge.raised_at IS 'Instant on the product clock';
COMMENT ON COLUMN challenge.answer_by IS 'First instant after the provider''s clock; unanswered, it is shown as escalated from then on and stays open';
COMMENT ON COLUMN challenge.outcome IS 'accepted, rejected or split (by the provider), withdrawn (by the commissioner); null while open';
COMMENT ON COLUMN challenge.closed_for IS 'Organisation that closed it';
COMMENT ON COLUMN challenge.closed_by IS 'Person who did';
COMMENT ON COLUMN challenge.closed_at IS 'Instant on the product clock';
COMMENT ON COLUMN challenge.answer IS 'Why the provider answered so';
COMMENT ON COLUMN challenge.held_pence IS 'Part of the document whose payment it holds while open, as settled last';

CREATE TABLE challenge_row (
  provider           text    NOT NULL,
  contract           text    NOT NULL,
  commissioner       text    NOT NULL,
  number             integer NOT NULL,
  month              date    NOT NULL,
  episode_id         text    NOT NULL,
  row_sha256         bytea   NOT NULL CHECK (length(row_sha256) = 32),
  cluster            text    NOT NULL,
  counter_cluster    text    CHECK (counter_cluster ~ '^[0-2][0-9]$' AND counter_cluster <> cluster),
  counter_days       integer CHECK (counter_days BETWEEN 0 AND 31),
  counter_unpayable  boolean NOT NULL,
  open               boolean NOT NULL DEFAULT true,
  PRIMARY KEY (provider, contract, commissioner, number, episode_id),
  FOREIGN KEY (provider, contract, commissioner, number, month)
    REFERENCES challenge (provider, contract, commissioner, number, month),
  CONSTRAINT challenge_row_one_counter CHECK (num_nonnulls(counter_cluster, counter_days) + counter_unpayable::integer = 1)
);
CREATE UNIQUE INDEX challenge_row_in_one_open ON challenge_row (provider, commissioner, month, episode_id) WHERE open;
CREATE INDEX challenge_row_of_month ON challenge_row (provider, contract, commissioner, month, episode_id);
COMMENT ON TABLE challenge_row IS 'Rows of a challenge, each with its counter-calculation';
COMMENT ON COLUMN challenge_row.provider IS 'Provider (ODS)';
COMMENT ON COLUMN challenge_row.contract IS 'Contract';
COMMENT ON COLUMN challenge_row.commissioner IS 'Account';
COMMENT ON COLUMN challenge_row.number IS 'challenge.number';
COMMENT ON COLUMN challenge_row.month IS 'Month of the row';
COMMENT ON COLUMN challenge_row.episode_id IS 'Row of that month, by the id that the provider gave it';
COMMENT ON COLUMN challenge_row.row_sha256 IS 'Digest of the row (episode_sha256) as it was when the challenge was raised, or changed since while open';
COMMENT ON COLUMN challenge_row.cluster IS 'Cluster as sent';
COMMENT ON COLUMN challenge_row.counter_cluster IS 'Counter-calculation: as if in this cluster';
COMMENT ON COLUMN challenge_row.counter_days IS 'Counter-calculation: its earliest so many days of the month are paid';
COMMENT ON COLUMN challenge_row.counter_unpayable IS 'Counter-calculation: not payable';
COMMENT ON COLUMN challenge_row.open IS 'Its challenge is open; a row is in at most one open challenge';

CREATE TABLE decision (
  provider     text        NOT NULL,
  contract     text        NOT NULL,
  commissioner text        NOT NULL,
  number       integer     NOT NULL,
  episode_id   text        NOT NULL,
  row_sha256   bytea       NOT NULL CHECK (length(row_sha256) = 32),
  decided_at   timestamptz NOT NULL,
  PRIMARY KEY (provider, contract, commissioner, number, episode_id),
  FOREIGN KEY (provider, contract, commissioner, number, episode_id)
    REFERENCES challenge_row (provider, contract, commissioner, number, episode_id)
);
COMMENT ON TABLE decision IS 'Rows whose counter-calculation was accepted: it holds for the row as it was then; of several the last';
COMMENT ON COLUMN decision.provider IS 'Provider (ODS)';
COMMENT ON COLUMN decision.contract IS 'Contract';
COMMENT ON COLUMN decision.commissioner IS 'Account';
COMMENT ON COLUMN decision.number IS 'challenge.number';
COMMENT ON COLUMN decision.episode_id IS 'Row';
COMMENT ON COLUMN decision.row_sha256 IS 'Digest of the row that was decided on';
COMMENT ON COLUMN decision.decided_at IS 'Instant on the product clock';

CREATE FUNCTION check_challenge() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c       reckoner.challenge;
  rows    bigint;
  decided bigint;
BEGIN
  SELECT * INTO c FROM reckoner.challenge x WHERE x.provider = NEW.provider AND x.contract = NEW.contract
    AND x.commissioner = NEW.commissioner AND x.number = NEW.number;
  SELECT count(*), count(d.number) FILTER (WHERE d.row_sha256 = r.row_sha256) INTO rows, decided
    FROM reckoner.challenge_row r LEFT JOIN reckoner.decision d USING (provider, contract, commissioner, number, episode_id)
   WHERE r.provider = NEW.provider AND r.contract = NEW.contract AND r.commissioner = NEW.commissioner AND r.number = NEW.number;
  IF rows = 0 OR (c.outcome IS NOT DISTINCT FROM 'accepted') <> (decided = rows)
     OR (c.outcome IS NOT DISTINCT FROM 'split') <> (decided BETWEEN 1 AND rows - 1) THEN
    RAISE EXCEPTION 'accepting decides all rows of a challenge, splitting some, anything else none'
      USING ERRCODE = 'check_violation', TABLE = 'challenge', CONSTRAINT = 'challenge_decided';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_challenge() IS 'Trigger body: a challenge has rows, and those decided agree with its outcome';
CREATE CONSTRAINT TRIGGER challenge_decided AFTER INSERT OR UPDATE OF outcome ON challenge DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_challenge();
CREATE CONSTRAINT TRIGGER decision_agrees AFTER INSERT ON decision DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_challenge();

CREATE FUNCTION close_challenge_rows() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE reckoner.challenge_row r SET open = false WHERE r.provider = NEW.provider AND r.contract = NEW.contract
    AND r.commissioner = NEW.commissioner AND r.number = NEW.number;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION close_challenge_rows() IS 'Trigger body: the rows of a closed challenge may be challenged again';
CREATE TRIGGER challenge_closes AFTER UPDATE OF outcome ON challenge FOR EACH ROW
  WHEN (NEW.outcome IS NOT NULL) EXECUTE FUNCTION close_challenge_rows();

CREATE TRIGGER challenge_kept BEFORE UPDATE ON challenge FOR EACH ROW
  WHEN (OLD.outcome IS NOT NULL OR (NEW.provider, NEW.contract, NEW.commissioner, NEW.number, NEW.month, NEW.reason,
        NEW.evidence, NEW.claimed_pence, NEW.chosen_by, NEW.chosen, NEW.rule, NEW.billed, NEW.document, NEW.reopens,
        NEW.raised_by, NEW.raised_at, NEW.answer_by) IS DISTINCT FROM (OLD.provider, OLD.contract, OLD.commissioner,
        OLD.number, OLD.month, OLD.reason, OLD.evidence, OLD.claimed_pence, OLD.chosen_by, OLD.chosen, OLD.rule, OLD.billed,
        OLD.document, OLD.reopens, OLD.raised_by, OLD.raised_at, OLD.answer_by))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER challenge_not_deleted BEFORE DELETE OR TRUNCATE ON challenge
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- While it is open a row is followed when it is sent anew; what was closed holds still.
CREATE TRIGGER challenge_row_kept BEFORE UPDATE ON challenge_row FOR EACH ROW
  WHEN (NOT OLD.open OR (NEW.provider, NEW.contract, NEW.commissioner, NEW.number, NEW.month, NEW.episode_id, NEW.cluster,
        NEW.counter_cluster, NEW.counter_days, NEW.counter_unpayable) IS DISTINCT FROM (OLD.provider, OLD.contract,
        OLD.commissioner, OLD.number, OLD.month, OLD.episode_id, OLD.cluster, OLD.counter_cluster, OLD.counter_days,
        OLD.counter_unpayable))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER challenge_row_not_deleted BEFORE DELETE OR TRUNCATE ON challenge_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['challenge', 'challenge_row', 'decision'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web USING (provider = ANY ((SELECT'
      ' reckoner.visible_providers())::text[]) OR commissioner = ANY ((SELECT reckoner.visible_commissioners())::text[]))',
      t || '_read', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
  END LOOP;
END $$;
CREATE POLICY challenge_raise ON challenge FOR INSERT TO reckoner_web
  WITH CHECK (commissioner = (SELECT acting_commissioner()) AND raised_by = (SELECT caller_person()) AND outcome IS NULL);
CREATE POLICY challenge_close ON challenge FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
  WITH CHECK (closed_by = (SELECT caller_person()) AND closed_for = (SELECT caller_organisation()));
CREATE POLICY challenge_row_raise ON challenge_row FOR INSERT TO reckoner_web
  WITH CHECK (EXISTS (SELECT FROM challenge c WHERE c.provider = challenge_row.provider
    AND c.contract = challenge_row.contract AND c.commissioner = challenge_row.commissioner
    AND c.number = challenge_row.number AND c.outcome IS NULL AND c.raised_by = (SELECT caller_person())));
CREATE POLICY decision_take ON decision FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) AND EXISTS (SELECT FROM challenge c WHERE c.provider = decision.provider
    AND c.contract = decision.contract AND c.commissioner = decision.commissioner AND c.number = decision.number
    AND c.closed_by = (SELECT caller_person()) AND c.closed_at = decision.decided_at));
GRANT INSERT (provider, contract, commissioner, number, month, reason, evidence, claimed_pence, chosen_by, chosen, rule,
  billed, document, raised_by, raised_at, answer_by), UPDATE (outcome, closed_for, closed_by, closed_at, answer)
  ON challenge TO reckoner_web;
GRANT INSERT ON challenge_row, decision TO reckoner_web;
GRANT INSERT ON challenge, challenge_row TO reckoner_worker;
GRANT UPDATE (held_pence) ON challenge TO reckoner_worker;
GRANT UPDATE (row_sha256) ON challenge_row TO reckoner_worker;
REVOKE ALL ON FUNCTION episode_sha256(episode), check_challenge(), close_challenge_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION episode_sha256(episode) TO reckoner_web, reckoner_worker;
