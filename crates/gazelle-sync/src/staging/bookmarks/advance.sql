INSERT INTO {schema}.sync_bookmarks AS held (entity, walk_started_at, walk, run_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (entity) DO UPDATE
   SET walk_started_at = EXCLUDED.walk_started_at, walk = EXCLUDED.walk, run_id = EXCLUDED.run_id
 WHERE held.walk_started_at < EXCLUDED.walk_started_at OR held.walk_started_at > $5
