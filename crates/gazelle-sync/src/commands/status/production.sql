-- The number of live and of deleted rows of an entity ($1) in its own table, and the start of its last complete walk.
SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS rows, count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted,
       (SELECT walk_started_at FROM {schema}.sync_bookmarks WHERE entity = $1) AS last_complete_walk
  FROM {schema}.{table}
