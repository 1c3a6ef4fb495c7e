-- How many records of the entity $1 were found gone at the source and are kept all the same (withheld or dismissed),
-- in production or only in staging.
SELECT count(*)
  FROM (SELECT DISTINCT d.external_id
          FROM {schema}.sync_deletions d
         WHERE d.entity = $1 AND d.state IN ('withheld', 'dismissed')) AS gone
 WHERE EXISTS (SELECT 1 FROM {schema}.{table} t
                WHERE t.external_id = gone.external_id AND t.deleted_at IS NULL)
    OR (SELECT s.operation
          FROM {schema}.{staging_table} s
         WHERE s.external_id = gone.external_id AND s.withdrawn_by IS NULL
         ORDER BY s.fetched_at DESC
         LIMIT 1) = 'upsert'
