-- What the server is doing with a statement of ours, asked through another session. The statement is identified by
-- its process ($1) or, while that is unknown, by its text ($2), of which the server shows as much as
-- track_activity_query_size allows: 99 bytes or more. If it does not track activity (state disabled), a session that
-- exists counts as active.
SELECT a.pid,
       a.wait_event_type IS NOT DISTINCT FROM 'Lock' AS waits_for_lock,
       -- For the rest of a statement, or until we take the rest of an answer; nothing else is a wait for us.
       coalesce(a.wait_event_type = 'Client' AND a.wait_event IN ('ClientRead', 'ClientWrite'), false) AS waits_for_us,
       a.wait_event IS NOT DISTINCT FROM 'ClientWrite' AS has_more,
       (SELECT min(l.waitstart) FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS waits_since
  FROM pg_catalog.pg_stat_activity a
 WHERE a.state IN ('active', 'disabled')
   AND a.pid <> pg_catalog.pg_backend_pid()
   AND CASE WHEN $1 IS NOT NULL THEN a.pid = $1
            ELSE a.datname = pg_catalog.current_database() AND a.usename = session_user
                 AND (a.state = 'disabled'
                      OR pg_catalog.starts_with($2, a.query)
                         AND pg_catalog.length(a.query) >= least(pg_catalog.length($2), 90))
       END
 -- Of two with the same text the one that waits is the one that matters.
 ORDER BY waits_for_lock DESC
 LIMIT 1
