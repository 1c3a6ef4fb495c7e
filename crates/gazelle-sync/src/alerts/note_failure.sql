-- Records that a claimed message ($1, claimed until $2) was not accepted: when to try again and why, or that it is
-- given up.
UPDATE {schema}.sync_alert_messages
   SET due_at = $3, claimed_until = NULL, last_error = $4, given_up_at = $5
 WHERE id = $1 AND claimed_until = $2
