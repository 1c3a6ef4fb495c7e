-- The next due message of the channel $1, in the order in which messages were written ($2 is now), locked for the
-- claim. A due time after $3 and a claim beyond $4 are ignored: a clock that has been set back since wrote them. The
-- messages $5 are left out.
SELECT m.id
  FROM {schema}.sync_alert_messages m
 WHERE m.channel = $1 AND m.sent_at IS NULL AND m.given_up_at IS NULL
   AND (m.due_at <= $2 OR m.due_at > $3)
   AND (m.claimed_until IS NULL OR m.claimed_until <= $2 OR m.claimed_until > $4)
   AND m.id <> ALL ($5::uuid[])
   AND NOT EXISTS (SELECT 1 FROM {schema}.sync_alert_messages before
                    WHERE before.alert_id = m.alert_id AND before.channel = m.channel
                      AND before.position < m.position
                      AND before.sent_at IS NULL AND before.given_up_at IS NULL)
 ORDER BY m.created_at, m.position
 LIMIT 1
   FOR UPDATE SKIP LOCKED
