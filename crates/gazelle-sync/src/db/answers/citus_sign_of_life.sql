-- As sign_of_life.sql, if Citus distributes the schema. A node that waits for another one reports that it waits for
-- its client; what counts then is the state of the backends with the same global PID on the other nodes.
SELECT a.pid,
       a.wait_event_type IS NOT DISTINCT FROM 'Lock'
           OR coalesce(bool_or(w.wait_event_type = 'Lock'), false) AS waits_for_lock,
       coalesce(a.wait_event_type = 'Client' AND a.wait_event IN ('ClientRead', 'ClientWrite'), false)
           AND NOT coalesce(bool_or(w.pid IS NOT NULL AND w.wait_event IS DISTINCT FROM 'ClientRead'), false) AS waits_for_us,
       a.wait_event IS NOT DISTINCT FROM 'ClientWrite' AND count(w.pid) = 0 AS has_more,
       (SELECT min(l.waitstart) FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS waits_since
  FROM pg_catalog.pg_stat_activity a
  LEFT JOIN pg_catalog.citus_stat_activity w
         ON w.global_pid = pg_catalog.citus_calculate_gpid(
                pg_catalog.citus_nodeid_for_gpid(pg_catalog.citus_backend_gpid()), a.pid)
        AND w.is_worker_query AND w.state = 'active'
 WHERE a.state IN ('active', 'disabled')
   AND a.pid <> pg_catalog.pg_backend_pid()
   AND CASE WHEN $1 IS NOT NULL THEN a.pid = $1
            ELSE a.datname = pg_catalog.current_database() AND a.usename = session_user
                 AND (a.state = 'disabled'
                      OR pg_catalog.starts_with($2, a.query)
                         AND pg_catalog.length(a.query) >= least(pg_catalog.length($2), 90))
       END
 GROUP BY a.pid, a.wait_event_type, a.wait_event
 ORDER BY waits_for_lock DESC
 LIMIT 1
