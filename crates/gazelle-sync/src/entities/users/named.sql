-- What technicians are called: first and last name.
SELECT '{entity}' AS entity, u.external_id, nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), '') AS name,
       NULL::text AS more, NULL::timestamptz AS start_at, u.deleted_at
  FROM {schema}.gazelle_users u
 WHERE u.external_id = ANY ({ids}::text[])
