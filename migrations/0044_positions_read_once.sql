-- What holds of a position document is checked against what is read from it in one pass; large documents that are
-- written once are packed by LZ4, which takes a tenth of the time of PostgreSQL's own way for bytes as few.
SET LOCAL search_path = reckoner, pg_catalog;

-- json, not jsonb: canonical bytes are kept as they are, and in one pass.
CREATE FUNCTION position_stated(p_body text) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
           'after_cap_collar_pence', b.figures -> 'after_cap_collar_pence',
           'floor_pence', b.figures -> 'floor_pence',
           'ceiling_pence', b.figures -> 'ceiling_pence',
           'stages_pence', (SELECT sum(s.pence) FROM json_to_recordset(b.stages) AS s (pence bigint)),
           'total_pence', b.total_pence,
           'inputs_sha256', CASE WHEN b.inputs IS NOT NULL THEN encode(sha256(convert_to(concat_ws(E'\n', b.engine,
             b.contract, b.commissioner, b.month, b.mode, b.known_at, b.parties, b.inputs), 'UTF8')), 'hex') END)
    FROM json_to_record(p_body::json) AS b (figures json, stages json, total_pence bigint, engine text, contract text,
           commissioner text, month text, mode text, known_at text, parties json, inputs json)
$$;
COMMENT ON FUNCTION position_stated(text) IS
  'What a position document says of its bounds and sums, and the digest of all that it says it was computed from';
REVOKE ALL ON FUNCTION position_stated(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION position_stated(text) TO reckoner_worker;

DROP INDEX position_same_inputs;
ALTER TABLE position DROP CONSTRAINT position_within_bounds, DROP CONSTRAINT position_stages_add_up;
DROP FUNCTION position_in_bounds(json), position_stages_sum(text), position_inputs(text);

ALTER TABLE position
  ALTER COLUMN body SET COMPRESSION lz4,
  ADD COLUMN stated jsonb NOT NULL GENERATED ALWAYS AS (position_stated(body)) STORED;
COMMENT ON COLUMN position.stated IS
  'What the body says of its bounds, sums and inputs, in pence; read from it as it is stored, for the constraints';
ALTER TABLE position
  ADD CONSTRAINT position_within_bounds CHECK (
    coalesce((stated ->> 'after_cap_collar_pence')::bigint >= (stated ->> 'floor_pence')::bigint, true)
    AND coalesce((stated ->> 'after_cap_collar_pence')::bigint <= (stated ->> 'ceiling_pence')::bigint, true)),
  ADD CONSTRAINT position_stages_add_up CHECK (
    coalesce((stated ->> 'stages_pence')::numeric = (stated ->> 'total_pence')::numeric, true));
CREATE UNIQUE INDEX position_same_inputs ON position (provider, (stated ->> 'inputs_sha256'));

ALTER TABLE signed_record ALTER COLUMN bytes SET COMPRESSION lz4;
ALTER TABLE run_bridge ALTER COLUMN body SET COMPRESSION lz4;
