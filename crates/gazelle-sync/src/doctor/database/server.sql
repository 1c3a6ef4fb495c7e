-- The server, the database, our role, and whether the connection is encrypted.
SELECT current_setting('server_version') AS version, current_database()::text AS database, current_user::text AS user,
       coalesce((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()), false) AS is_encrypted
