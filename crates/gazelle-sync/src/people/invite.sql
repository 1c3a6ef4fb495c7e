-- Creates a person, or gives the one of the same name ($3) a new link and lifts a disabling: name $2, role $4, technician $5,
-- language $6, hash of the link $7, its end $8, by whom $9, at $10. Returns the person, and whether it is new; nothing if there
-- is one and must be none ($11), or if somebody would change their own role.
INSERT INTO {schema}.sync_people AS p
    (id, name, name_key, role, technician_external_id, language, link_hash, link_expires_at, invited_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (name_key) DO UPDATE
   SET technician_external_id = EXCLUDED.technician_external_id,
       role = EXCLUDED.role,
       language = coalesce(EXCLUDED.language, p.language),
       link_hash = EXCLUDED.link_hash,
       link_expires_at = EXCLUDED.link_expires_at,
       invited_by = EXCLUDED.invited_by,
       disabled_at = NULL
 WHERE NOT $11 AND (p.id IS DISTINCT FROM $9 OR p.role = $4 AND p.technician_external_id IS NOT DISTINCT FROM $5)
RETURNING p.id, p.name, p.role, p.technician_external_id, p.language, p.id = $1 AS is_new
