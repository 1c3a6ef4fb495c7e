-- Claims the next message of a channel ($1) that is due. Texts and facts are cut as in open_alerts.sql.
-- A claim that runs beyond $5, longer than any made about now can, was made by a clock that has been set back since.
UPDATE {schema}.sync_alert_messages AS claimed
   SET claimed_until = $3, attempts = claimed.attempts + 1
  FROM {schema}.sync_alerts AS alert
 WHERE claimed.id = (SELECT m.id
                       FROM {schema}.sync_alert_messages m
                      WHERE m.channel = $1 AND m.sent_at IS NULL AND m.given_up_at IS NULL
                        AND (m.due_at <= $2 OR m.due_at > $4)
                        AND (m.claimed_until IS NULL OR m.claimed_until <= $2 OR m.claimed_until > $5)
                        AND NOT EXISTS (SELECT 1 FROM {schema}.sync_alert_messages before
                                         WHERE before.alert_id = m.alert_id AND before.channel = m.channel
                                           AND before.position < m.position
                                           AND before.sent_at IS NULL AND before.given_up_at IS NULL)
                      ORDER BY m.created_at, m.position
                      LIMIT 1
                        FOR UPDATE SKIP LOCKED)
   AND alert.id = claimed.alert_id
RETURNING claimed.id, claimed.alert_id, alert.kind, claimed.occasion, left(claimed.title, 1000) AS title,
          left(claimed.body, 65536) AS body, alert.opened_at, alert.closed_at,
          CASE WHEN octet_length(alert.facts::text) <= 65536 THEN alert.facts ELSE '{}' END AS facts,
          claimed.attempts, claimed.created_at
