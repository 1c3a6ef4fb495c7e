-- Records that the run $1 newly put into quarantine and that are still there, counted by entity, code and field. Runs
-- that ended before they were judged count with it. A record with an older open case is not new. Positions in lists
-- are removed from the field, so that like faults count together.
WITH judged AS (
    SELECT max(started_at) AS at
      FROM {schema}.sync_runs
     WHERE status IN ('success', 'partial')
       AND started_at <= clock_timestamp()
       AND command <> 'fetch' AND command NOT LIKE 'undo%' AND command NOT LIKE 'replay%'
), counted AS (
    SELECT r.run_id
      FROM {schema}.sync_runs r
     CROSS JOIN judged
     WHERE r.run_id = $1
        OR (r.status IN ('interrupted', 'failed') AND r.started_at <= clock_timestamp()
            AND (judged.at IS NULL OR r.started_at > judged.at))
), record AS (
    SELECT DISTINCT ON (q.entity, q.external_id)
           q.entity, q.external_id, q.error_code, regexp_replace(q.error_field, '[[][0-9]+[]]', '[]', 'g') AS field
      FROM {schema}.sync_quarantine q
      JOIN counted ON counted.run_id = q.run_id
     WHERE q.state IN ('open', 'waiting')
       AND NOT EXISTS (SELECT 1
                         FROM {schema}.sync_quarantine earlier
                        WHERE earlier.entity = q.entity
                          AND earlier.external_id = q.external_id
                          AND earlier.state IN ('open', 'waiting')
                          AND (earlier.run_id IS NULL
                               OR earlier.run_id NOT IN (SELECT run_id FROM counted)))
     ORDER BY q.entity, q.external_id, q.last_seen_at DESC, q.staging_id DESC
)
SELECT entity, error_code, coalesce(field, '') AS named_field, count(*) AS count
  FROM record
 GROUP BY entity, error_code, field
 ORDER BY entity, count(*) DESC, error_code, field
