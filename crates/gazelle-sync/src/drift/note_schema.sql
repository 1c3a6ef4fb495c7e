-- Stores a schema ($2, with its hash $1) as the one seen last.
INSERT INTO {schema}.sync_source_schemas (schema_hash, schema, first_seen_at, last_seen_at, run_id)
VALUES ($1, $2, $3, $3, $4)
ON CONFLICT (schema_hash) DO UPDATE
   SET last_seen_at = EXCLUDED.last_seen_at, run_id = EXCLUDED.run_id
