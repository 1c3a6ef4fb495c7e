-- What pianos are called: make and model; with the serial number.
SELECT '{entity}' AS entity, p.external_id, nullif(concat_ws(' ', nullif(p.make, ''), nullif(p.model, '')), '') AS name,
       p.serial_number AS more, NULL::timestamptz AS start_at, p.deleted_at
  FROM {schema}.gazelle_pianos p
 WHERE p.external_id = ANY ({ids}::text[])
