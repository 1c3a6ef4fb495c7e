-- The last full run before $2 that could read the API's schema, if it found changes: their number and messages. $1
-- are the codes of warnings that report a change.
SELECT run.started_at, count(*) AS count, string_agg(w.message, '; ' ORDER BY w.subject, w.code) AS changes
  FROM (SELECT r.run_id, r.started_at
          FROM {schema}.sync_runs r
         WHERE r.command IN ('sync', 'fetch') AND r.mode = 'full' AND r.started_at <= $2
           AND NOT EXISTS (SELECT 1 FROM {schema}.sync_run_warnings u
                            WHERE u.run_id = r.run_id AND u.code = 'schema_unread')
           AND (r.status IN ('success', 'partial')
                OR (r.status = 'failed'
                    AND EXISTS (SELECT 1 FROM {schema}.sync_run_warnings s
                             WHERE s.run_id = r.run_id AND s.code = ANY ($1::text[]))))
         ORDER BY r.started_at DESC
         LIMIT 1) AS run
  JOIN {schema}.sync_run_warnings w ON w.run_id = run.run_id AND w.code = ANY ($1::text[])
 GROUP BY run.started_at
