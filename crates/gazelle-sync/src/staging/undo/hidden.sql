-- How many records have a newest version that is withdrawn and says that the record exists, while the newest version
-- that is not withdrawn does not.
SELECT count(*)
  FROM (SELECT DISTINCT external_id FROM {schema}.{staging_table} WHERE withdrawn_by IS NOT NULL) AS record
 CROSS JOIN LATERAL (
       SELECT s.operation, s.withdrawn_by
         FROM {schema}.{staging_table} s
        WHERE s.external_id = record.external_id
        ORDER BY s.fetched_at DESC
        LIMIT 1) AS newest
  LEFT JOIN LATERAL (
       SELECT s.operation
         FROM {schema}.{staging_table} s
        WHERE s.external_id = record.external_id AND s.withdrawn_by IS NULL
        ORDER BY s.fetched_at DESC
        LIMIT 1) AS counts ON true
 WHERE newest.withdrawn_by IS NOT NULL
   AND newest.operation = 'upsert'
   AND counts.operation IS DISTINCT FROM 'upsert'
