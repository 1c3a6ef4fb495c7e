-- The newest versions of the record $1, newest first, $2 at most, each with its case in quarantine, if any, and the time
-- of the undo that withdrew it; and how many versions are held.
SELECT s.id, s.fetched_at, s.operation, s.raw_data, s.raw_bytes, s.sync_status, s.error_message, s.processed_at,
       s.run_id, s.request, s.withdrawn_by, undo.started_at AS undone_at,
       q.state AS case_state, q.error_code AS case_code, q.error_field AS case_field, q.waits_for, q.waits_for_id,
       q.closed_at, q.closed_reason, q.attempts AS case_attempts,
       s.attempts, s.source_fault, s.error_code,
       (SELECT count(*) FROM {schema}.{staging_table} every WHERE every.external_id = $1) AS held
  FROM {schema}.{staging_table} s
  LEFT JOIN {schema}.sync_quarantine q ON q.staging_id = s.id
  LEFT JOIN {schema}.sync_runs undo ON undo.run_id = s.withdrawn_by
 WHERE s.external_id = $1
 ORDER BY s.fetched_at DESC, s.id DESC
 LIMIT $2
