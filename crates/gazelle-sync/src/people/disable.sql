-- Disables the person $1 at $2: the passphrase and the link are forgotten. Returns the person.
UPDATE {schema}.sync_people
   SET disabled_at = coalesce(disabled_at, $2), passphrase = NULL, link_hash = NULL, link_expires_at = NULL
 WHERE id = $1
RETURNING id, name, role, technician_external_id, language
