-- Stores the time since which staging is complete under its key, unless a later one is stored.
INSERT INTO {schema}.sync_notes AS held (key, value, noted_at) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, noted_at = EXCLUDED.noted_at
 WHERE held.noted_at IS NULL OR held.noted_at < EXCLUDED.noted_at
