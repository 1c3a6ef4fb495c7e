-- The runs whose ids lie between two ids ($1, $2), and when each started; in the order of their ids, $3 at most.
SELECT r.run_id, r.started_at
  FROM {schema}.sync_runs r
 WHERE r.run_id BETWEEN $1 AND $2
 ORDER BY r.run_id
 LIMIT $3
