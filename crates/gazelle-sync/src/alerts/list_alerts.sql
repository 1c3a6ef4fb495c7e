-- Alerts that are open or were closed after $1, each with the number of messages sent. Facts are shortened as in
-- open_alerts.sql.
SELECT a.id, a.kind, CASE WHEN octet_length(a.facts::text) <= 65536 THEN a.facts ELSE '{}' END AS facts,
       a.opened_at, a.closed_at,
       (SELECT count(*) FROM {schema}.sync_alert_messages m WHERE m.alert_id = a.id AND m.sent_at IS NOT NULL) AS sent
  FROM {schema}.sync_alerts a
 WHERE a.closed_at IS NULL OR a.closed_at > $1
 ORDER BY a.opened_at, a.kind
