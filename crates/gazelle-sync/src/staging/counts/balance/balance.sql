-- The number of live rows of an entity; how many of them have no version in staging; and of the records in staging
-- without a live row, how many have a newest version that is faulty, pending or processed. Tombstones are not
-- counted.
--
-- All ids are read from an index that does not contain `withdrawn_by`, which is therefore checked only for records
-- with a withdrawn version.
WITH withdrawn AS (
    SELECT DISTINCT w.external_id
      FROM {schema}.{staging_table} w
     WHERE w.withdrawn_by IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM {schema}.{staging_table} counts
                        WHERE counts.external_id = w.external_id AND counts.withdrawn_by IS NULL)
), record AS (
    SELECT s.external_id
      FROM {schema}.{staging_table} s
     WHERE NOT EXISTS (SELECT 1 FROM withdrawn WHERE withdrawn.external_id = s.external_id)
     GROUP BY s.external_id
), live AS (
    SELECT external_id FROM {schema}.{table} WHERE deleted_at IS NULL
), met AS (
    SELECT record.external_id AS staged, live.external_id AS held
      FROM record
      FULL JOIN live ON live.external_id = record.external_id
), counted AS (
    SELECT count(held) AS in_production, count(*) FILTER (WHERE staged IS NULL) AS surplus FROM met
), newest AS (
    SELECT version.operation, version.sync_status
      FROM met
     CROSS JOIN LATERAL (
           SELECT s.operation, s.sync_status
             FROM {schema}.{staging_table} s
            WHERE s.external_id = met.staged AND s.withdrawn_by IS NULL
            ORDER BY s.fetched_at DESC
            LIMIT 1) AS version
     WHERE met.held IS NULL
)
SELECT counted.in_production, counted.surplus,
       count(*) FILTER (WHERE operation = 'upsert' AND sync_status = 'error') AS quarantined,
       count(*) FILTER (WHERE operation = 'upsert' AND sync_status = 'pending') AS pending,
       count(*) FILTER (WHERE operation = 'upsert' AND sync_status = 'processed') AS lost
  FROM counted
  LEFT JOIN newest ON true
 GROUP BY counted.in_production, counted.surplus
