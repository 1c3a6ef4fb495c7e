SELECT a.id, a.kind, a.facts, a.opened_at, told.channel, told.last_position, told.last_at, told.waiting
  FROM {schema}.sync_alerts a
  LEFT JOIN (SELECT m.alert_id, m.channel, max(m.position) AS last_position,
                    max(coalesce(m.sent_at, m.created_at)) AS last_at,
                    bool_or(m.sent_at IS NULL AND m.given_up_at IS NULL) AS waiting
               FROM {schema}.sync_alert_messages m
              GROUP BY m.alert_id, m.channel) AS told ON told.alert_id = a.id
 WHERE a.closed_at IS NULL
 ORDER BY a.id, told.channel
