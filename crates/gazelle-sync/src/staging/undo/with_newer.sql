-- How many records that the undo $1 touched have a newer version that is not withdrawn.
SELECT count(DISTINCT s.external_id)
  FROM {schema}.{staging_table} s
 WHERE s.withdrawn_by = $1
   AND EXISTS (SELECT 1 FROM {schema}.{staging_table} newer
                WHERE newer.external_id = s.external_id
                  AND newer.fetched_at > s.fetched_at
                  AND newer.withdrawn_by IS NULL)
