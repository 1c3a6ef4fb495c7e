-- How many messages could not be sent yet, what was last said of one, and when the last one was sent.
SELECT count(*) FILTER (WHERE sent_at IS NULL AND given_up_at IS NULL AND attempts > 0) AS waiting,
       (array_agg(last_error ORDER BY due_at DESC) FILTER (WHERE sent_at IS NULL AND last_error IS NOT NULL))[1] AS error,
       max(sent_at) AS last_sent_at
  FROM {schema}.sync_alert_messages
