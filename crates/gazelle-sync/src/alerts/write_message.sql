-- Inserts a message to the outbox, due at once, and returns its id. Does nothing, and returns nothing, if the alert has
-- a message at this position of the channel.
INSERT INTO {schema}.sync_alert_messages
       (id, alert_id, channel, position, occasion, title, body, created_at, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT (alert_id, channel, position) DO NOTHING
RETURNING id
