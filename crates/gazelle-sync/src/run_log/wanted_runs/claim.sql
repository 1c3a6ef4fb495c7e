-- Assigns the requests $1 that are still open to the run $2. Requests that another transaction has locked are
-- skipped.
WITH free AS (
    SELECT id FROM {schema}.sync_wanted_runs WHERE id = ANY ($1) AND outcome IS NULL FOR UPDATE SKIP LOCKED
)
UPDATE {schema}.sync_wanted_runs AS w
   SET run_id = $2, taken_at = $3, times_taken = w.times_taken + 1
  FROM free
 WHERE w.id = free.id
