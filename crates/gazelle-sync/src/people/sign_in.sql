-- Notes at $2 that the person $1 signed in, unless the person was disabled or the passphrase is not the one with the hash $3 any
-- more. Returns the id.
UPDATE {schema}.sync_people
   SET signed_in_at = $2
 WHERE id = $1 AND disabled_at IS NULL AND passphrase = $3
RETURNING id
