-- The records that stage 2 has not put into production, by their newest version: left pending, or faulty where $2.
-- What the run $1 staged is left out: it saw it.
WITH unsettled AS (
    SELECT external_id, fetched_at, operation, run_id
      FROM {schema}.{staging_table}
     WHERE sync_status = 'pending' AND withdrawn_by IS NULL
    UNION ALL
    SELECT external_id, fetched_at, operation, run_id
      FROM {schema}.{staging_table}
     WHERE sync_status = 'error' AND withdrawn_by IS NULL AND $2
)
SELECT DISTINCT s.external_id
  FROM unsettled s
 WHERE s.operation = 'upsert'
   AND s.run_id IS DISTINCT FROM $1
   AND NOT EXISTS (SELECT 1 FROM {schema}.{staging_table} newer
                    WHERE newer.external_id = s.external_id AND newer.fetched_at > s.fetched_at
                      AND newer.withdrawn_by IS NULL)
   AND NOT EXISTS (SELECT 1 FROM {schema}.{table} t
                    WHERE t.external_id = s.external_id AND t.deleted_at IS NULL)
