-- Notes the end of the action $1 at $2: outcome $3, reason $4, run $5 and report $6 where there are any. What was done in part
-- and changed nothing ($7: it was to change something) is refused; what failed after it had changed the data is done in part.
UPDATE {schema}.sync_actions AS a
   SET outcome = CASE WHEN $3 = 'partial' AND $7 AND a.applied_at IS NULL THEN 'refused'
                      WHEN $3 = 'failed' AND a.applied_at IS NOT NULL THEN 'partial'
                      ELSE $3 END,
       reason = $4, run_id = coalesce($5, a.run_id), report = coalesce($6, a.report), ended_at = $2
 WHERE a.id = $1 AND a.outcome IS NULL
RETURNING a.id
