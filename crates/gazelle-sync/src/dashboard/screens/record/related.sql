-- The records that refer to the record $2 of the entity $1: 40 pianos of a client, those in use first, and the 40 latest
-- appointments of a client, a piano or a technician.
SELECT child.entity, child.external_id
  FROM (
       (SELECT 1 AS place, 'pianos' AS entity, p.external_id, NULL::timestamptz AS start_at
          FROM {schema}.gazelle_pianos p
         WHERE $1 = 'clients' AND p.client_external_id = $2
         ORDER BY p.deleted_at IS NOT NULL, p.external_id
         LIMIT 40)
       UNION ALL
       (SELECT 2, 'appointments', a.external_id, a.start_at
          FROM {schema}.gazelle_appointments a
         WHERE $1 = 'clients' AND a.client_external_id = $2
         ORDER BY a.start_at DESC
         LIMIT 40)
       UNION ALL
       (SELECT 2, 'appointments', a.external_id, a.start_at
          FROM {schema}.gazelle_appointment_pianos l
          JOIN {schema}.gazelle_appointments a ON a.external_id = l.appointment_external_id
         WHERE $1 = 'pianos' AND l.piano_external_id = $2
         ORDER BY a.start_at DESC
         LIMIT 40)
       UNION ALL
       (SELECT 2, 'appointments', a.external_id, a.start_at
          FROM {schema}.gazelle_appointments a
         WHERE $1 = 'users' AND a.technician_external_id = $2
         ORDER BY a.start_at DESC
         LIMIT 40)) AS child
 ORDER BY child.place, child.start_at DESC, child.external_id
