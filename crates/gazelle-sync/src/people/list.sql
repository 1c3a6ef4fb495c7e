-- The people, by name, or the one with the id $2, each with the number of sessions that have not ended at $1.
SELECT p.id, p.name, p.role, p.technician_external_id, p.language, p.passphrase IS NOT NULL AS has_passphrase,
       p.link_hash IS NOT NULL AS has_link, p.link_expires_at, p.created_at, p.signed_in_at, p.disabled_at,
       (SELECT count(*) FROM {schema}.sync_sessions s WHERE s.person_id = p.id AND s.ends_at > $1) AS sessions
  FROM {schema}.sync_people p
 WHERE $2::uuid IS NULL OR p.id = $2
 ORDER BY p.name_key
 LIMIT 1000
