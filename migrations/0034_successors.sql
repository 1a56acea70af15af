-- Whoever stands for a closed commissioner withholds, challenges, moves rows and asks for calculations in its place.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE FUNCTION person_stands_for(p_person text, p_commissioner text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(p_commissioner = ANY (reckoner.with_predecessors(ARRAY(
    SELECT p.organisation FROM reckoner.person p WHERE p.id = p_person))), false)
$$;
COMMENT ON FUNCTION person_stands_for(text, text) IS 'Whether a person is of a commissioner, or of the successor of a closed one';

ALTER TABLE withhold DROP CONSTRAINT withhold_commissioner_imposed_by_fkey,
  ADD FOREIGN KEY (imposed_by) REFERENCES person (id);
COMMENT ON COLUMN withhold.imposed_by IS 'Person of the commissioner, or of the successor of a closed one';
CREATE FUNCTION check_withhold_imposer() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT reckoner.person_stands_for(NEW.imposed_by, NEW.commissioner) THEN
    RAISE EXCEPTION 'the commissioner withholds'
      USING ERRCODE = 'check_violation', TABLE = 'withhold', CONSTRAINT = 'withhold_imposer';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_withhold_imposer() IS 'Trigger body: who withholds is of the commissioner, or of the successor of a closed one';
CREATE TRIGGER withhold_imposer BEFORE INSERT ON withhold FOR EACH ROW EXECUTE FUNCTION check_withhold_imposer();
ALTER POLICY withhold_impose ON withhold
  WITH CHECK (commissioner = ANY ((SELECT acting_commissioners())::text[]) AND imposed_by = (SELECT caller_person()));

ALTER TABLE challenge DROP CONSTRAINT challenge_commissioner_raised_by_fkey, DROP CONSTRAINT challenge_closer,
  ADD FOREIGN KEY (raised_by) REFERENCES person (id);
CREATE FUNCTION check_challenge_parties() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.raised_by IS NOT NULL
     AND NOT reckoner.person_stands_for(NEW.raised_by, NEW.commissioner) THEN
    RAISE EXCEPTION 'the commissioner challenges'
      USING ERRCODE = 'check_violation', TABLE = 'challenge', CONSTRAINT = 'challenge_raiser';
  ELSIF NEW.closed_for IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.closed_for IS NULL)
     AND NOT (CASE NEW.outcome WHEN 'withdrawn' THEN NEW.commissioner = ANY (reckoner.with_predecessors(ARRAY[NEW.closed_for]))
              ELSE NEW.closed_for = NEW.provider END) THEN
    RAISE EXCEPTION 'the commissioner withdraws, the provider answers'
      USING ERRCODE = 'check_violation', TABLE = 'challenge', CONSTRAINT = 'challenge_closer';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_challenge_parties() IS
  'Trigger body: a challenge is raised and withdrawn for the commissioner, or the successor of a closed one, and answered by the provider';
CREATE TRIGGER challenge_parties BEFORE INSERT OR UPDATE ON challenge FOR EACH ROW EXECUTE FUNCTION check_challenge_parties();
ALTER POLICY challenge_raise ON challenge
  WITH CHECK (commissioner = ANY ((SELECT acting_commissioners())::text[]) AND raised_by = (SELECT caller_person())
              AND outcome IS NULL);
ALTER POLICY challenge_close ON challenge
  USING (provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]));

ALTER POLICY calculation_ask ON calculation
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]))
              AND organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person())
              AND state = 'queued');

ALTER TABLE reattribution DROP CONSTRAINT reattribution_from_commissioner_from_by_fkey,
  DROP CONSTRAINT reattribution_to_commissioner_to_by_fkey, DROP CONSTRAINT reattribution_closer,
  DROP CONSTRAINT reattribution_withdrawn,
  ADD FOREIGN KEY (from_by) REFERENCES person (id), ADD FOREIGN KEY (to_by) REFERENCES person (id);
CREATE FUNCTION check_reattribution_standing() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  fault text;
  closer text[];
  proposes boolean;
  party boolean;
BEGIN
  IF NOT (CASE WHEN NEW.from_by IS NULL OR (TG_OP = 'UPDATE' AND OLD.from_by IS NOT NULL) THEN true
          ELSE reckoner.person_stands_for(NEW.from_by, NEW.from_commissioner) END)
     OR NOT (CASE WHEN NEW.to_by IS NULL OR (TG_OP = 'UPDATE' AND OLD.to_by IS NOT NULL) THEN true
             ELSE reckoner.person_stands_for(NEW.to_by, NEW.to_commissioner) END) THEN
    fault := 'reattribution_party';
  ELSIF NEW.closed_for IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.closed_for IS NULL) THEN
    closer := reckoner.with_predecessors(ARRAY[NEW.closed_for]);
    proposes := CASE NEW.proposed_side WHEN 'provider' THEN NEW.provider = NEW.closed_for
                ELSE NEW.from_commissioner = ANY (closer) END;
    party := NEW.provider = NEW.closed_for OR NEW.to_commissioner = ANY (closer) OR NEW.from_commissioner = ANY (closer);
    fault := CASE WHEN NOT party THEN 'reattribution_closer'
                  WHEN NEW.outcome = 'withdrawn' AND NOT proposes THEN 'reattribution_withdrawn'
                  WHEN NEW.outcome = 'refused' AND proposes AND NOT NEW.to_commissioner = ANY (closer)
                    THEN 'reattribution_withdrawn' END;
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'a party agrees and refuses, and whoever proposed withdraws'
      USING ERRCODE = 'check_violation', TABLE = 'reattribution', CONSTRAINT = fault;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_reattribution_standing() IS
  'Trigger body: each commissioner, or the successor of a closed one, agrees for itself; a party refuses, the one that proposed withdraws';
CREATE TRIGGER reattribution_standing AFTER INSERT OR UPDATE ON reattribution
  FOR EACH ROW EXECUTE FUNCTION check_reattribution_standing();

CREATE OR REPLACE FUNCTION check_reattribution_party() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  organisation text := reckoner.caller_organisation();
  person       text := reckoner.caller_person();
BEGIN
  IF organisation IS NOT NULL AND (
       (NEW.provider_by IS DISTINCT FROM OLD.provider_by AND NEW.provider_by <> person)
       OR (NEW.from_by IS DISTINCT FROM OLD.from_by AND NEW.from_by <> person)
       OR (NEW.to_by IS DISTINCT FROM OLD.to_by AND NEW.to_by <> person)
       OR (NEW.closed_by IS DISTINCT FROM OLD.closed_by AND (NEW.closed_for, NEW.closed_by) <> (organisation, person))) THEN
    RAISE EXCEPTION 'a person agrees or refuses for the own party' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
ALTER POLICY reattribution_propose ON reattribution
  WITH CHECK (outcome IS NULL AND to_by IS NULL
    AND CASE proposed_side WHEN 'provider' THEN provider = (SELECT acting_provider())
             AND provider_by = (SELECT caller_person()) AND from_by IS NULL
        ELSE from_commissioner = ANY ((SELECT acting_commissioners())::text[]) AND from_by = (SELECT caller_person())
             AND provider_by IS NULL END);
ALTER POLICY reattribution_act ON reattribution
  USING (provider = (SELECT acting_provider()) OR from_commissioner = ANY ((SELECT acting_commissioners())::text[])
         OR to_commissioner = ANY ((SELECT acting_commissioners())::text[]));

REVOKE ALL ON FUNCTION person_stands_for(text, text), check_withhold_imposer(), check_challenge_parties(),
  check_reattribution_standing() FROM PUBLIC;
