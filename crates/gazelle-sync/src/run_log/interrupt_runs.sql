-- Marks runs as interrupted that a program never finished; only where the lease is still that of the token $2.
UPDATE {schema}.sync_runs
   SET status = 'interrupted', finished_at = $1, reason = 'the program ended without finishing the run'
 WHERE status = 'running'
   AND EXISTS (SELECT FROM {schema}.sync_lease WHERE name = 'sync' AND token = $2)
