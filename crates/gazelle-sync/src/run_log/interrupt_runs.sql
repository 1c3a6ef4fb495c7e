-- Marks runs as interrupted that a program never finished; by whoever holds the lease now.
UPDATE {schema}.sync_runs
   SET status = 'interrupted', finished_at = $1, reason = 'the program ended without finishing the run'
 WHERE status = 'running'
