-- Takes the lease for the holder $1 until $2, if it is still held as it was read before ($3, $4) or was never held.
-- Returns the new token; no row if somebody else has taken or renewed it since.
INSERT INTO {schema}.sync_lease AS held (name, holder, token, expires_at)
VALUES ('sync', $1, 1, $2)
ON CONFLICT (name) DO UPDATE
   SET holder = EXCLUDED.holder, token = held.token + 1, expires_at = EXCLUDED.expires_at
 WHERE held.holder = $3 AND held.expires_at = $4
RETURNING token
