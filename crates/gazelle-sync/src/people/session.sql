-- The session with the hash $1 that has not ended at $2, and its person.
SELECT s.id AS session, s.ends_at, p.id, p.name, p.role, p.technician_external_id, p.language
  FROM {schema}.sync_sessions s
  JOIN {schema}.sync_people p ON p.id = s.person_id
 WHERE s.hash = $1 AND s.ends_at > $2 AND p.disabled_at IS NULL
