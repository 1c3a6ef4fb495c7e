-- The newest $4 warnings of runs; only with the subject $1, the code $2 and of the run $3, if these are given. The
-- subject of a warning about an entity is the entity's name.
SELECT w.run_id::text AS run_id, r.started_at, w.code, w.subject, w.message
  FROM {schema}.sync_run_warnings w
  JOIN {schema}.sync_runs r ON r.run_id = w.run_id
 WHERE ($1::text IS NULL OR w.subject = $1)
   AND ($2::text IS NULL OR w.code = $2)
   AND ($3::uuid IS NULL OR w.run_id = $3)
 ORDER BY r.started_at > clock_timestamp(), r.started_at DESC, w.run_id, w.code, w.subject
 LIMIT $4
