-- What appointments ($1) and their clients are called; also of those that are gone.
SELECT a.external_id, a.title, c.company_name,
       nullif(concat_ws(' ', nullif(k.first_name, ''), nullif(k.last_name, '')), '') AS contact_name
  FROM {schema}.gazelle_appointments a
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = a.client_external_id
  LEFT JOIN {schema}.gazelle_contacts k ON k.external_id = a.contact_external_id
 WHERE a.external_id = ANY ($1::text[])
