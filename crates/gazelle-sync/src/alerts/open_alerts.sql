-- Open alerts, each with its last message on every channel. Facts longer than 64 KiB are left out: ours have some
-- hundred bytes, and reading others would take many times their length in memory.
SELECT a.id, a.kind, CASE WHEN octet_length(a.facts::text) <= 65536 THEN a.facts ELSE '{}' END AS facts,
       a.opened_at, told.channel, told.last_position, told.last_at, told.waiting
  FROM {schema}.sync_alerts a
  LEFT JOIN (SELECT m.alert_id, m.channel, max(m.position) AS last_position,
                    max(coalesce(m.sent_at, m.created_at)) AS last_at,
                    bool_or(m.sent_at IS NULL AND m.given_up_at IS NULL) AS waiting
               FROM {schema}.sync_alert_messages m
              GROUP BY m.alert_id, m.channel) AS told ON told.alert_id = a.id
 WHERE a.closed_at IS NULL
 ORDER BY a.id, told.channel
