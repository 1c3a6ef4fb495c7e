(SELECT {place} AS place, to_jsonb(t) AS row
   FROM {schema}.{table} t
  WHERE {condition}
  ORDER BY t.deleted_at IS NOT NULL, {keys}
  LIMIT {most})
