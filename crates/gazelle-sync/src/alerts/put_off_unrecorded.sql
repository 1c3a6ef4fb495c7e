-- Puts off the message $1, which was sent but could not be marked as sent, until $2, and stores why ($3).
UPDATE {schema}.sync_alert_messages
   SET due_at = $2, claimed_until = NULL, last_error = $3
 WHERE id = $1 AND sent_at IS NULL
