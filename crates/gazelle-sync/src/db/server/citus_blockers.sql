-- As blockers.sql, if Citus distributes the schema: the clients' sessions, on any node.
WITH RECURSIVE waits AS MATERIALIZED (
    SELECT waiting_gpid, blocking_gpid FROM pg_catalog.citus_lock_waits
), queue (gpid, depth) AS (
    SELECT w.blocking_gpid, 1
      FROM waits w
     WHERE w.waiting_gpid = pg_catalog.citus_calculate_gpid(
               pg_catalog.citus_nodeid_for_gpid(pg_catalog.citus_backend_gpid()), $1)
    UNION
    SELECT w.blocking_gpid, q.depth + 1
      FROM queue q JOIN waits w ON w.waiting_gpid = q.gpid
     WHERE q.depth < 8
)
SELECT DISTINCT pg_catalog.citus_pid_for_gpid(q.gpid) AS pid,
       n.nodename || ':' || n.nodeport AS node,
       a.usename::text,
       a.xact_start,
       a.state,
       -- After comments, with which our own statements begin.
       pg_catalog.upper(pg_catalog.substring(a.query, '(?p)^(?:[[:space:]]|--.*' || pg_catalog.chr(10)
                                                      || ')*([A-Za-z]{1,20})')) AS first_word
  FROM queue q
  JOIN pg_catalog.pg_dist_node n ON n.nodeid = pg_catalog.citus_nodeid_for_gpid(q.gpid)
  LEFT JOIN pg_catalog.citus_stat_activity a ON a.global_pid = q.gpid AND NOT a.is_worker_query
 WHERE NOT EXISTS (SELECT 1 FROM waits w WHERE w.waiting_gpid = q.gpid)
 ORDER BY pid
 LIMIT 3
