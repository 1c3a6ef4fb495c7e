-- The records around the record $2 of the entity $1: those that it names (clients $3, technicians $4, pianos $5), and those
-- that name it, of appointments the latest. The columns are those of named.sql.
SELECT near.entity, near.external_id, near.name, near.more, near.start_at, near.deleted_at
  FROM (
       SELECT 1 AS place, 'clients' AS entity, c.external_id, coalesce(nullif(c.company_name, ''), k.name) AS name, NULL AS more,
              NULL::timestamptz AS start_at, c.deleted_at
         FROM {schema}.gazelle_clients c
         LEFT JOIN LATERAL (
              SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
                FROM {schema}.gazelle_contacts o
               WHERE o.external_id = c.default_contact_external_id) AS k ON true
        WHERE c.external_id = ANY ($3::text[])
       UNION ALL
       SELECT 2, 'users', u.external_id, nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), ''), NULL, NULL,
              u.deleted_at
         FROM {schema}.gazelle_users u
        WHERE u.external_id = ANY ($4::text[])
       UNION ALL
       SELECT 3, 'pianos', p.external_id, nullif(concat_ws(' ', nullif(p.make, ''), nullif(p.model, '')), ''), p.serial_number, NULL,
              p.deleted_at
         FROM {schema}.gazelle_pianos p
        WHERE p.external_id = ANY ($5::text[])
       UNION ALL
       (SELECT 3, 'pianos', p.external_id, nullif(concat_ws(' ', nullif(p.make, ''), nullif(p.model, '')), ''), p.serial_number, NULL,
               p.deleted_at
          FROM {schema}.gazelle_pianos p
         WHERE $1 = 'clients' AND p.client_external_id = $2
         ORDER BY p.deleted_at IS NOT NULL, p.external_id
         LIMIT 40)
       UNION ALL
       (SELECT 4, 'appointments', a.external_id, nullif(a.title, ''), NULL, a.start_at, a.deleted_at
          FROM {schema}.gazelle_appointments a
         WHERE $1 = 'clients' AND a.client_external_id = $2
         ORDER BY a.start_at DESC
         LIMIT 40)
       UNION ALL
       (SELECT 4, 'appointments', a.external_id, nullif(a.title, ''), NULL, a.start_at, a.deleted_at
          FROM {schema}.gazelle_appointment_pianos l
          JOIN {schema}.gazelle_appointments a ON a.external_id = l.appointment_external_id
         WHERE $1 = 'pianos' AND l.piano_external_id = $2
         ORDER BY a.start_at DESC
         LIMIT 40)
       UNION ALL
       (SELECT 4, 'appointments', a.external_id, nullif(a.title, ''), NULL, a.start_at, a.deleted_at
          FROM {schema}.gazelle_appointments a
         WHERE $1 = 'users' AND a.technician_external_id = $2
         ORDER BY a.start_at DESC
         LIMIT 40)) AS near
 ORDER BY near.place, near.start_at DESC, near.external_id
