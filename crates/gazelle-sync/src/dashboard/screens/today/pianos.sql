-- The pianos of appointments ($1), $2 at most.
SELECT p.appointment_external_id, i.make, i.model, i.location_text, i.serial_number, i.dampp_chaser_installed
  FROM {schema}.gazelle_appointment_pianos p
  JOIN {schema}.gazelle_pianos i ON i.external_id = p.piano_external_id
 WHERE p.appointment_external_id = ANY ($1::text[])
   AND p.deleted_at IS NULL AND i.deleted_at IS NULL
 ORDER BY p.appointment_external_id, i.make, i.model, i.external_id
 LIMIT $2
