-- Claims the message $1 until $2. Texts and facts are shortened as in open_alerts.sql.
UPDATE {schema}.sync_alert_messages AS claimed
   SET claimed_until = $2, attempts = claimed.attempts + 1
  FROM {schema}.sync_alerts AS alert
 WHERE claimed.id = $1
   AND alert.id = claimed.alert_id
RETURNING claimed.id, claimed.alert_id, alert.kind, claimed.occasion, left(claimed.title, 1000) AS title,
          left(claimed.body, 65536) AS body, alert.opened_at, alert.closed_at,
          CASE WHEN octet_length(alert.facts::text) <= 65536 THEN alert.facts ELSE '{}' END AS facts,
          claimed.attempts, claimed.created_at
