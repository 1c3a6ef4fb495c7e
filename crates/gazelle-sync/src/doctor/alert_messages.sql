-- The number of unsent messages, the last error of one of them, and when the last message was sent.
SELECT count(*) FILTER (WHERE sent_at IS NULL AND given_up_at IS NULL AND attempts > 0) AS waiting,
       (array_agg(last_error ORDER BY due_at DESC) FILTER (WHERE sent_at IS NULL AND last_error IS NOT NULL))[1] AS error,
       max(sent_at) AS last_sent_at
  FROM {schema}.sync_alert_messages
