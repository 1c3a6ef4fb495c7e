-- The versions that a reconciler with the version $1 has to read again: the newest valid version of each row that
-- another reconciler made, and all faulty versions that were not dismissed.
SELECT s.id
  FROM {schema}.{staging_table} s
 WHERE s.withdrawn_by IS NULL
   AND (s.sync_status = 'error' AND NOT EXISTS (
           SELECT 1 FROM {schema}.sync_quarantine q WHERE q.staging_id = s.id AND q.state = 'dismissed')
        OR s.id IN (
           SELECT DISTINCT ON (version.external_id) version.id
             FROM {schema}.{table} made
             JOIN {schema}.{staging_table} version ON version.external_id = made.external_id
            WHERE made.reconciler_version <> $1
              AND version.sync_status = 'processed'
              AND version.error_code IS NULL
              AND version.withdrawn_by IS NULL
            ORDER BY version.external_id, version.fetched_at DESC))
