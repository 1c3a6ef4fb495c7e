-- Inserts the rows whose key is free; existing rows are neither changed nor locked. The rows returned are counted,
-- because the row count on Citus is that of the rows selected. In the SELECT list, lists are read as they are, while
-- each one in FROM would first be copied.
INSERT INTO {prefix}{table}
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {selected}, i.staging_id, i.synced_from_gazelle_at, $1, NULL
  FROM (SELECT {side_by_side}) AS i
  {derived_join}
ON CONFLICT ({key}) DO NOTHING
RETURNING 1
