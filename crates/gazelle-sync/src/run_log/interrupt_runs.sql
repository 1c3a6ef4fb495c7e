-- Marks all runs that are still recorded as running as interrupted, at the time $1. The caller must hold the lease,
-- so that none of them is in progress.
UPDATE {schema}.sync_runs
   SET status = 'interrupted', finished_at = $1, reason = 'the program ended without finishing the run'
 WHERE status = 'running'
