-- The sessions that hold a lock of the relation $2 of the schema $1, but ours.
SELECT DISTINCT l.pid, a.usename::text AS role
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
   AND n.nspname = $1 AND c.relname = $2
 ORDER BY l.pid
 LIMIT 3
