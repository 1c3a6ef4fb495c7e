-- The examination that is open, the last one that ended, and the last one that found out something: at most three actions.
SELECT a.id, a.kind, a.arguments, a.based_on, a.asked_by, a.asked_at, a.taken_at, a.times_taken, a.applied_at, a.run_id,
       a.outcome, left(a.reason, 4000) AS reason, a.ended_at, p.name, a.report
  FROM {schema}.sync_actions a
  LEFT JOIN {schema}.sync_people p ON p.id = a.asked_by
 WHERE a.id IN ((SELECT o.id FROM {schema}.sync_actions o
                  WHERE o.outcome IS NULL AND o.kind = 'doctor' ORDER BY o.id DESC LIMIT 1),
                (SELECT e.id FROM {schema}.sync_actions e
                  WHERE e.kind = 'doctor' AND e.ended_at IS NOT NULL ORDER BY e.ended_at DESC LIMIT 1),
                (SELECT f.id FROM {schema}.sync_actions f
                  WHERE f.kind = 'doctor' AND f.ended_at IS NOT NULL AND f.report ? 'checks'
                  ORDER BY f.ended_at DESC LIMIT 1))
 ORDER BY a.id DESC
