-- Sessions that have waited for $2 seconds or more for a lock while they use a table of the schema $1. A session that
-- waits for a row is included, because it holds a lock on the table.
SELECT w.pid, a.usename::text, w.since
  FROM (SELECT l.pid, pg_catalog.min(l.waitstart) AS since
          FROM pg_catalog.pg_locks l WHERE NOT l.granted AND l.pid IS NOT NULL GROUP BY l.pid) w
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
 WHERE w.since < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2)
   AND EXISTS (SELECT 1
                 FROM pg_catalog.pg_locks l
                 JOIN pg_catalog.pg_class c ON c.oid = l.relation
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE l.pid = w.pid AND n.nspname = $1
                  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                     WHERE d.datname = pg_catalog.current_database()))
 ORDER BY w.since
 LIMIT 5
