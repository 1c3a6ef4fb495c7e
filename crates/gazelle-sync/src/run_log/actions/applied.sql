-- Notes that the action $1 is applied at $2 by the run $3, with the report $4 so far. It was not before.
UPDATE {schema}.sync_actions AS a
   SET applied_at = $2, run_id = coalesce($3, a.run_id), report = $4
 WHERE a.id = $1 AND a.applied_at IS NULL AND a.outcome IS NULL
RETURNING a.id
