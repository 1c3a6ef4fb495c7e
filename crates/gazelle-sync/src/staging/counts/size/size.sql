-- Number and size of an entity's versions, how many were added after $1, the time of the first, and how many more
-- versions the last run with the entity $2 left than it found.
SELECT count(*) AS versions,
       {size} AS bytes,
       count(*) FILTER (WHERE s.created_at > $1) AS added,
       min(s.created_at) AS first_at,
       (SELECT e.staged - e.dropped
          FROM {schema}.sync_run_entities e
          JOIN {schema}.sync_runs r ON r.run_id = e.run_id
         WHERE e.entity = $2 AND r.started_at <= clock_timestamp()
         ORDER BY r.started_at DESC
         LIMIT 1) AS last_run
  FROM {schema}.{staging_table} s
