-- Stores the hash $2 of a link to the visits of the technician $3, in the language $4, made by the person $5 at $6.
INSERT INTO {schema}.sync_feeds (id, hash, technician_external_id, language, made_by, made_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
