INSERT INTO {schema}.sync_notes AS held (key, value) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value
 WHERE held.value < EXCLUDED.value
