-- Stores the encrypted tokens $1, sealed with the key named $2; both are NULL after a logout. An upsert, because the
-- table may have been emptied.
INSERT INTO {schema}.sync_tokens (name, sealed, key_name, saved_at)
VALUES ('gazelle', $1, $2, $3)
ON CONFLICT (name) DO UPDATE
   SET sealed = EXCLUDED.sealed, key_name = EXCLUDED.key_name, saved_at = EXCLUDED.saved_at
