-- Inserts an action, unless the same one ($4) is open. Returns its id if it was inserted.
INSERT INTO {schema}.sync_actions (id, kind, arguments, digest, based_on, asked_by, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (digest) WHERE outcome IS NULL DO NOTHING
RETURNING id
