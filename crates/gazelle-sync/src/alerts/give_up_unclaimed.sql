-- Gives up, at the time $1, the unsent messages that were written before $2.
UPDATE {schema}.sync_alert_messages
   SET given_up_at = $1, last_error = coalesce(last_error, 'its channel is not configured any more')
 WHERE sent_at IS NULL AND given_up_at IS NULL AND created_at < $2
