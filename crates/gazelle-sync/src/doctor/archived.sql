-- What the server knows of the archive of its log (WAL), and how large the database is.
SELECT current_setting('archive_mode') <> 'off' AS archives,
       extract(epoch FROM clock_timestamp() - a.last_archived_time)::bigint AS archived_seconds_ago,
       coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL) AS fails,
       pg_catalog.pg_database_size(pg_catalog.current_database()) AS bytes
  FROM pg_catalog.pg_stat_archiver a
