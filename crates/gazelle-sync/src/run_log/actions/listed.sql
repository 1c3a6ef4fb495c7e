-- Actions with the names of who asked, newest first: those before $1 if it is given, at most $2; the action $3 alone if it is
-- given. The report is read of that one alone.
SELECT a.id, a.kind, a.arguments, a.based_on, a.asked_by, a.asked_at, a.taken_at, a.times_taken, a.applied_at, a.run_id,
       a.outcome, left(a.reason, 4000) AS reason, a.ended_at, p.name,
       CASE WHEN $3::uuid IS NOT NULL THEN a.report END AS report
  FROM {schema}.sync_actions a
  LEFT JOIN {schema}.sync_people p ON p.id = a.asked_by
 WHERE ($1::uuid IS NULL OR a.id < $1)
   AND ($3::uuid IS NULL OR a.id = $3)
 ORDER BY a.id DESC
 LIMIT $2
