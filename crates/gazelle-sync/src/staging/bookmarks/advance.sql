-- Moves the bookmark of the entity $1 to the start of the walk, $2, unless it is later already. A bookmark after now
-- ($5) comes from a wrong clock and is replaced.
INSERT INTO {schema}.sync_bookmarks AS held (entity, walk_started_at, walk, run_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (entity) DO UPDATE
   SET walk_started_at = EXCLUDED.walk_started_at, walk = EXCLUDED.walk, run_id = EXCLUDED.run_id
 WHERE held.walk_started_at < EXCLUDED.walk_started_at OR held.walk_started_at > $5
