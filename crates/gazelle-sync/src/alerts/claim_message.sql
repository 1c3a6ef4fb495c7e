-- Claims the next due message of the channel $1 until $3, in the order in which messages were written ($2 is now). A
-- due time after $4 and a claim beyond $5 are ignored: a clock that has been set back since wrote them. Texts and
-- facts are shortened as in open_alerts.sql.
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
