-- Since $2: how many records of the entity $1 its list did not contain, and how many of them were found by their ids.
SELECT coalesce(sum(e.unlisted), 0)::bigint AS unlisted, coalesce(sum(e.found_by_id), 0)::bigint AS found_by_id
  FROM {schema}.sync_run_entities e
  JOIN {schema}.sync_runs r USING (run_id)
 WHERE e.entity = $1 AND r.started_at BETWEEN $2 AND clock_timestamp()
