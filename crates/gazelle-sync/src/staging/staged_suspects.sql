-- The records that stage 2 has not put into production, by their newest version: left pending, or faulty where $2.
-- What the run $1 staged is left out: it saw it.
SELECT DISTINCT s.external_id
  FROM {schema}.{staging_table} s
 WHERE (s.sync_status = 'pending' OR s.sync_status = 'error' AND $2)
   AND s.operation = 'upsert'
   AND s.withdrawn_by IS NULL
   AND s.run_id IS DISTINCT FROM $1
   AND NOT EXISTS (SELECT 1 FROM {schema}.{staging_table} newer
                    WHERE newer.external_id = s.external_id AND newer.fetched_at > s.fetched_at
                      AND newer.withdrawn_by IS NULL)
   AND NOT EXISTS (SELECT 1 FROM {schema}.{table} t
                    WHERE t.external_id = s.external_id AND t.deleted_at IS NULL)
