-- Of the ids $1, those without a row in the parent's table. One lookup by key for each.
SELECT named.id
  FROM unnest($1::text[]) AS named (id)
  LEFT JOIN LATERAL (
       SELECT true AS found
         FROM {prefix}{parent} p
        WHERE p.external_id = named.id
        LIMIT 1) AS held ON true
 WHERE held.found IS NULL
