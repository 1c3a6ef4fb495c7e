UPDATE {schema}.{staging_table} s
   SET sync_status = 'pending'
  FROM (SELECT version.id
          FROM unnest($1::text[]) AS record (external_id)
         CROSS JOIN LATERAL (
               SELECT n.id
                 FROM {schema}.{staging_table} n
                WHERE n.external_id = record.external_id
                  AND n.withdrawn_by IS NULL
                ORDER BY n.fetched_at DESC
                LIMIT 1) AS version) AS newest
 WHERE s.id = newest.id
   AND s.sync_status <> 'pending'
