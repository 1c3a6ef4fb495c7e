-- What clients are called: the company, else the default contact.
SELECT '{entity}' AS entity, c.external_id, coalesce(nullif(c.company_name, ''), k.name) AS name, NULL::text AS more,
       NULL::timestamptz AS start_at, c.deleted_at
  FROM {schema}.gazelle_clients c
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = c.default_contact_external_id) AS k ON true
 WHERE c.external_id = ANY ({ids}::text[])
