SELECT 'all' AS entity, v.sync_status, v.count::bigint AS count FROM {schema}.v_sync_dashboard v
UNION ALL
SELECT v.entity, v.sync_status, v.count FROM {schema}.v_sync_dashboard_entities v
