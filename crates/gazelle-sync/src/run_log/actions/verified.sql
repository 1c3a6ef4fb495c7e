-- The last verification that came to a verdict.
SELECT a.ended_at, a.report ->> 'status' AS verdict, (a.report ->> 'rows')::bigint AS rows,
       (a.report ->> 'sampled')::bigint AS asked, (a.report ->> 'differences')::bigint AS differences, a.id
  FROM {schema}.sync_actions a
 WHERE a.kind = 'verify' AND a.ended_at IS NOT NULL AND a.report ? 'differences'
 ORDER BY a.ended_at DESC
 LIMIT 1
