-- Records without a live row in production whose newest version is pending or, if $2 is true, faulty. Versions of the
-- run $1 are left out, because its walk has seen them.
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
