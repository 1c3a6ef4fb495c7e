-- What records are called: clients ($1), pianos ($2), appointments ($3) and technicians ($4), also those that are gone.
SELECT 'clients' AS entity, c.external_id, coalesce(nullif(c.company_name, ''), k.name) AS name, NULL AS more,
       NULL::timestamptz AS start_at, c.deleted_at
  FROM {schema}.gazelle_clients c
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = c.default_contact_external_id) AS k ON true
 WHERE c.external_id = ANY ($1::text[])
UNION ALL
SELECT 'pianos', p.external_id, nullif(concat_ws(' ', nullif(p.make, ''), nullif(p.model, '')), ''), p.serial_number, NULL, p.deleted_at
  FROM {schema}.gazelle_pianos p
 WHERE p.external_id = ANY ($2::text[])
UNION ALL
SELECT 'appointments', a.external_id, nullif(a.title, ''), coalesce(nullif(c.company_name, ''), k.name), a.start_at, a.deleted_at
  FROM {schema}.gazelle_appointments a
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = a.client_external_id
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = a.contact_external_id) AS k ON true
 WHERE a.external_id = ANY ($3::text[])
UNION ALL
SELECT 'users', u.external_id, nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), ''), NULL, NULL, u.deleted_at
  FROM {schema}.gazelle_users u
 WHERE u.external_id = ANY ($4::text[])
