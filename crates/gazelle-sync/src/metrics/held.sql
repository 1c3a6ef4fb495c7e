-- The values of four gauges, each as a JSON object by entity: start of the last complete walk, withheld deletions,
-- open cases of the quarantine, and unreadable fields.
SELECT (SELECT json_object_agg(entity, extract(epoch FROM walk_started_at)) FROM {schema}.sync_bookmarks)::text AS walked,
       (SELECT json_object_agg(entity, n) FROM (SELECT entity, count(*) AS n FROM {schema}.sync_deletions
                                                 WHERE state = 'withheld' GROUP BY entity) AS withheld)::text AS withheld,
       (SELECT json_object_agg(entity, n) FROM (SELECT entity, count(*) AS n FROM {schema}.sync_quarantine
                                                 WHERE state IN ('open', 'waiting') GROUP BY entity) AS kept)::text AS quarantined,
       (SELECT json_object_agg(entity, n) FROM (SELECT entity, count(*) AS n FROM {schema}.sync_quality_warnings
                                                 WHERE code IN ('unreadable_field', 'unreadable_row')
                                                 GROUP BY entity) AS unread)::text AS unreadable
