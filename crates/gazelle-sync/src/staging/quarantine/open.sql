-- Opens a case for each faulty version of the entity $1. A case that exists is opened again with the new error; if it
-- was still open, it keeps the run that opened it. Returns the versions' ids.
INSERT INTO {schema}.sync_quarantine AS held
       (staging_id, entity, external_id, error_code, error_field, waits_for, waits_for_id, state, attempts,
        first_seen_at, last_seen_at, reconciler_version, run_id)
SELECT staging_id, $1, external_id, code, field, waits_for, waits_for_id,
       CASE WHEN waits_for IS NULL THEN 'open' ELSE 'waiting' END, 1, $8, $8, $9, $10
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       AS fault (staging_id, external_id, code, field, waits_for, waits_for_id)
ON CONFLICT (staging_id) DO UPDATE
   SET error_code = EXCLUDED.error_code, error_field = EXCLUDED.error_field,
       waits_for = EXCLUDED.waits_for, waits_for_id = EXCLUDED.waits_for_id,
       state = EXCLUDED.state, attempts = held.attempts + 1, last_seen_at = EXCLUDED.last_seen_at,
       reconciler_version = EXCLUDED.reconciler_version, closed_at = NULL, closed_reason = NULL,
       run_id = CASE WHEN held.state IN ('open', 'waiting') THEN held.run_id ELSE EXCLUDED.run_id END
RETURNING staging_id
