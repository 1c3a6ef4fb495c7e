-- The subject of what concerns one entity is its name.
SELECT w.run_id::text AS run_id, r.started_at, w.code, w.subject, w.message
  FROM {schema}.sync_run_warnings w
  JOIN {schema}.sync_runs r ON r.run_id = w.run_id
 WHERE ($1::text IS NULL OR w.subject = $1)
   AND ($2::text IS NULL OR w.code = $2)
   AND ($3::uuid IS NULL OR w.run_id = $3)
 ORDER BY r.started_at > clock_timestamp(), r.started_at DESC, w.run_id, w.code, w.subject
 LIMIT $4
