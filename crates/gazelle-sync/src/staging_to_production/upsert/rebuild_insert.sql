-- Rows of a rebuild whose key is free. The writer's statements are not used here: a rebuild would repeat their mistakes,
-- and `verify` would find nothing.
INSERT INTO {prefix}{table}
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {selected}, i.staging_id, i.synced_from_gazelle_at, $1, NULL
  FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
  {derived_join}
 WHERE NOT EXISTS (SELECT 1 FROM {prefix}{table} h WHERE {key_match})
RETURNING 1
