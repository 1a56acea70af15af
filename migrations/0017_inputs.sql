-- What people agree or decide and a position rests on, beside terms, achievements and rows.
SET LOCAL search_path = reckoner, pg_catalog;

-- ------------------------------------------------------------------------------------------------------------ agreements

CREATE TABLE agreement (
  provider         text        NOT NULL,
  contract         text        NOT NULL,
  commissioner     text        NOT NULL,
  n                integer     NOT NULL CHECK (n > 0),
  kind             text        NOT NULL CHECK (kind IN ('adjustment', 'opening_entry', 'month_without_activity',
                                                        'withhold_decision', 'reattribution')),
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
                  AND t.n = $4 %s)', CASE NEW.kind WHEN 'reattribution' THEN 'reattribution_part' ELSE NEW.kind END,
                 CASE WHEN NEW.kind NOT IN ('opening_entry', 'reattribution') THEN 'AND t.month = $5' ELSE '' END)
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
  FOREACH kind IN ARRAY ARRAY['document', 'run', 'frozen_month', 'window_exception', 'achievement', 'agreement', 'withhold'] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM reckoner.%I t WHERE t.provider = $1 AND t.contract = $2)', kind)
      INTO held USING p_provider, p_contract;
    IF held THEN
      RETURN CASE kind WHEN 'window_exception' THEN 'exception' ELSE kind END;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION contract_hold(text, text) IS
  'What rests on a contract, so that it stays: approved_terms (by both parties), document, run, frozen_month, exception, achievement, agreement or withhold; null when nothing does';

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
