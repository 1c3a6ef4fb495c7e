-- What appointments are called: the title; with the client, or the contact if the client has no company.
SELECT '{entity}' AS entity, a.external_id, nullif(a.title, '') AS name, coalesce(nullif(c.company_name, ''), k.name) AS more,
       a.start_at, a.deleted_at
  FROM {schema}.gazelle_appointments a
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = a.client_external_id
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = a.contact_external_id) AS k ON true
 WHERE a.external_id = ANY ({ids}::text[])
