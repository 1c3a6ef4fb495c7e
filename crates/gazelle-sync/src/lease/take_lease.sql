-- Taken only from the holder that was looked at: two takers at once, and one of them finds it changed.
INSERT INTO {schema}.sync_lease AS held (name, holder, token, expires_at)
VALUES ('sync', $1, 1, $2)
ON CONFLICT (name) DO UPDATE
   SET holder = EXCLUDED.holder, token = held.token + 1, expires_at = EXCLUDED.expires_at
 WHERE held.holder = $3 AND held.expires_at = $4
RETURNING token
