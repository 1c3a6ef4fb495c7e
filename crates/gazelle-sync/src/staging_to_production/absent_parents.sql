SELECT named.id
  FROM unnest($1::text[]) AS named (id)
 WHERE NOT EXISTS (SELECT 1 FROM {schema}.{prefix}{parent} p WHERE p.external_id = named.id)
