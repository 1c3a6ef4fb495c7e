-- Records that sending the message $1, claimed until $2, failed: the time of the next attempt, the error, and the
-- time at which it was given up, if it was.
UPDATE {schema}.sync_alert_messages
   SET due_at = $3, claimed_until = NULL, last_error = $4, given_up_at = $5
 WHERE id = $1 AND claimed_until = $2
