-- What the server is, and whether it takes writes.
SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS is_read_only,
       current_setting('server_encoding') AS encoding
