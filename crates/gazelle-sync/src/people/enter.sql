-- Uses up the link $1, which is valid at $2: its person gets the passphrase $3. Returns the person.
UPDATE {schema}.sync_people
   SET passphrase = $3, link_hash = NULL, link_expires_at = NULL, signed_in_at = $2
 WHERE link_hash = $1 AND link_expires_at > $2 AND disabled_at IS NULL
RETURNING id, name, role, technician_external_id, language
