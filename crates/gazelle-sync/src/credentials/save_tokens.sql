-- Puts sealed tokens ($1, by the key named $2) into their row, or none. Not an UPDATE: somebody may have emptied the table.
INSERT INTO {schema}.sync_tokens (name, sealed, key_name, saved_at)
VALUES ('gazelle', $1, $2, $3)
ON CONFLICT (name) DO UPDATE
   SET sealed = EXCLUDED.sealed, key_name = EXCLUDED.key_name, saved_at = EXCLUDED.saved_at
