-- The server's version, encoding, and whether it is read-only.
SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS is_read_only,
       current_setting('server_encoding') AS encoding
