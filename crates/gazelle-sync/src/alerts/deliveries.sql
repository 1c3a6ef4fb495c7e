-- For each channel of the outbox: when a message was last sent, how many wait or were given up, and why the last unsent one failed.
SELECT m.channel, max(m.sent_at) AS last_sent_at,
       count(*) FILTER (WHERE m.sent_at IS NULL AND m.given_up_at IS NULL) AS waiting,
       count(*) FILTER (WHERE m.sent_at IS NULL AND m.given_up_at IS NOT NULL) AS given_up,
       (array_agg(m.last_error ORDER BY m.created_at DESC)
            FILTER (WHERE m.sent_at IS NULL AND m.last_error IS NOT NULL))[1] AS error
  FROM {schema}.sync_alert_messages m
 GROUP BY m.channel
