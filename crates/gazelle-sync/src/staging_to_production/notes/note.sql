-- Inserts or updates quality warnings of the entity $1; $6 is the run and $7 the time, the other parameters are lists
-- side by side. Returns the records' ids.
INSERT INTO {schema}.sync_quality_warnings
       (entity, external_id, code, field, staging_id, run_id, first_seen_at, last_seen_at, column_name, shape)
SELECT $1, external_id, code, field, staging_id, $6, $7, $7, column_name, shape
  FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $8::text[], $9::text[])
       AS noted (external_id, code, field, staging_id, column_name, shape)
ON CONFLICT (entity, external_id, code, field) DO UPDATE
   SET staging_id = EXCLUDED.staging_id, run_id = EXCLUDED.run_id, last_seen_at = EXCLUDED.last_seen_at,
       column_name = EXCLUDED.column_name, shape = EXCLUDED.shape
RETURNING external_id
