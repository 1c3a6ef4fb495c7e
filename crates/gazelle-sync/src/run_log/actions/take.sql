-- Notes that the action $1 is taken at $2, by the run $3 if it begins one.
UPDATE {schema}.sync_actions AS a
   SET taken_at = $2, times_taken = a.times_taken + 1, run_id = $3
 WHERE a.id = $1 AND a.outcome IS NULL
RETURNING a.id
