-- Position documents that break what holds of every position are refused by the database too.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE FUNCTION position_in_bounds(p_figures json) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((p_figures ->> 'after_cap_collar_pence')::bigint >= (p_figures ->> 'floor_pence')::bigint, true)
     AND coalesce((p_figures ->> 'after_cap_collar_pence')::bigint <= (p_figures ->> 'ceiling_pence')::bigint, true)
$$;
COMMENT ON FUNCTION position_in_bounds(json) IS
  'Whether the amount after stage 5 among the figures of a position is not below its floor nor above its ceiling, where there are any';

-- json, not jsonb: canonical bytes are kept as they are, and in one pass.
CREATE FUNCTION position_stages_sum(p_body text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT sum(s.pence) FROM json_to_recordset(b.stages) AS s (pence bigint)) = b.total_pence, true)
    FROM json_to_record(p_body::json) AS b (stages json, total_pence bigint)
$$;
COMMENT ON FUNCTION position_stages_sum(text) IS 'Whether the stages of a position document sum to its total';

CREATE FUNCTION position_inputs(p_body text) RETURNS bytea
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN b.inputs IS NOT NULL THEN sha256(convert_to(concat_ws(E'\n', b.engine, b.contract, b.commissioner,
           b.month, b.mode, b.known_at, b.parties, b.inputs), 'UTF8')) END
    FROM json_to_record(p_body::json) AS b (engine text, contract text, commissioner text, month text, mode text,
                                            known_at text, parties json, inputs json)
$$;
COMMENT ON FUNCTION position_inputs(text) IS 'Digest of all that a position document says it was computed from';

ALTER TABLE position
  ADD CONSTRAINT position_within_bounds CHECK (position_in_bounds(body::json -> 'figures')),
  ADD CONSTRAINT position_stages_add_up CHECK (position_stages_sum(body));
CREATE UNIQUE INDEX position_same_inputs ON position (provider, position_inputs(body));
REVOKE ALL ON FUNCTION position_in_bounds(json), position_stages_sum(text), position_inputs(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION position_in_bounds(json), position_stages_sum(text), position_inputs(text) TO reckoner_worker;
