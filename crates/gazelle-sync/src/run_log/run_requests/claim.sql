-- Assigns the requests $1, which the transaction has locked, to the run $2 at $3. Returns their ids.
UPDATE {schema}.sync_wanted_runs AS w
   SET run_id = $2, taken_at = $3, times_taken = w.times_taken + 1
 WHERE w.id = ANY ($1)
RETURNING w.id
