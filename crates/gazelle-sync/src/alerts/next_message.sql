-- The next message of a channel ($1) that is due and that no other process is about to claim.
-- A claim that runs beyond $4, longer than any made about now can, was made by a clock that has been set back since.
SELECT m.id
  FROM {schema}.sync_alert_messages m
 WHERE m.channel = $1 AND m.sent_at IS NULL AND m.given_up_at IS NULL
   AND (m.due_at <= $2 OR m.due_at > $3)
   AND (m.claimed_until IS NULL OR m.claimed_until <= $2 OR m.claimed_until > $4)
   AND NOT EXISTS (SELECT 1 FROM {schema}.sync_alert_messages before
                    WHERE before.alert_id = m.alert_id AND before.channel = m.channel
                      AND before.position < m.position
                      AND before.sent_at IS NULL AND before.given_up_at IS NULL)
 ORDER BY m.created_at, m.position
 LIMIT 1
   FOR UPDATE SKIP LOCKED
