-- The runs from $1 to $2, in the order in which they began.
SELECT r.run_id
  FROM {schema}.sync_runs r
 WHERE r.run_id BETWEEN $1 AND $2
 ORDER BY r.run_id
