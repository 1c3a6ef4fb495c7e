LEFT JOIN LATERAL (
                   SELECT * FROM {prefix}{derived_from} k
                    WHERE k.external_id = i.{derived_by}
                    LIMIT 1) AS c ON true
