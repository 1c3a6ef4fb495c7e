-- The state of the server's WAL archive, and the size of the database.
SELECT current_setting('archive_mode') <> 'off' AS archives,
       extract(epoch FROM clock_timestamp() - a.last_archived_time)::bigint AS archived_seconds_ago,
       coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL) AS fails,
       pg_catalog.pg_database_size(pg_catalog.current_database()) AS bytes
  FROM pg_catalog.pg_stat_archiver a
