-- Records of an entity whose declaration does not say what they are called.
SELECT '{entity}' AS entity, t.external_id, NULL::text AS name, NULL::text AS more, {start_at} AS start_at, t.deleted_at
  FROM {schema}.{table} t
 WHERE t.external_id = ANY ({ids}::text[])
