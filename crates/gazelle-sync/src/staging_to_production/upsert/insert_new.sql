-- Rows whose key is free. Those that exist are not touched, not even locked: the second statement compares them.
-- What is returned makes the count true: Citus answers the number of rows selected where nothing is returned.
-- Lists side by side in a SELECT are read as they are; in FROM each would be copied to a store of its own first.
INSERT INTO {prefix}{table}
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {selected}, i.staging_id, i.synced_from_gazelle_at, $1, NULL
  FROM (SELECT {side_by_side}) AS i
  {derived_join}
ON CONFLICT ({key}) DO NOTHING
RETURNING 1
