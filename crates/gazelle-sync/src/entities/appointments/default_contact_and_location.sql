LEFT JOIN LATERAL (
       SELECT *
         FROM {prefix}gazelle_clients k
        WHERE k.external_id = i.client_external_id
        LIMIT 1) AS c ON true
