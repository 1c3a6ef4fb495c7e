-- The number of versions in staging, by entity and status.
SELECT entity, sync_status, count, oldest_record, newest_record
  FROM {schema}.v_sync_dashboard_entities
 ORDER BY entity, sync_status
