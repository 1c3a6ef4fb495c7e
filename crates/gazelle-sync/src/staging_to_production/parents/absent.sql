SELECT named.id
  FROM unnest($1::text[]) AS named (id)
  LEFT JOIN LATERAL (
       SELECT true AS found
         FROM {prefix}{parent} p
        WHERE p.external_id = named.id
        LIMIT 1) AS held ON true
 WHERE held.found IS NULL
