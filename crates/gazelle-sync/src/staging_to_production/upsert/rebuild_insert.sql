-- Inserts the rows of a rebuild whose key is free. Written differently from the statements for production, so that
-- both do not share a mistake.
INSERT INTO {prefix}{table}
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {selected}, i.staging_id, i.synced_from_gazelle_at, $1, NULL
  FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
  {derived_join}
 WHERE NOT EXISTS (SELECT 1 FROM {prefix}{table} h WHERE {key_match})
RETURNING 1
