INSERT INTO {schema}.sync_notes (key, value)
SELECT key, '' FROM unnest($1::text[]) AS noted (key)
ON CONFLICT (key) DO NOTHING
RETURNING key
