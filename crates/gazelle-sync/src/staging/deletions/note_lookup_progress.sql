-- Stores the progress of lookups ($2) under its key ($1).
INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value
RETURNING 1
