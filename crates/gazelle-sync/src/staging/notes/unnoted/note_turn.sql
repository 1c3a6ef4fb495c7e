-- Stores under the key $1 up to which note ($2) records were taken up again.
INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value
RETURNING 1
