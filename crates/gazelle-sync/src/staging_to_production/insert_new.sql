-- Rows whose key is free. Those that exist are not touched, not even locked: the second statement compares them.
INSERT INTO {schema}.{prefix}{table}
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {selected}, i.staging_id, i.synced_from_gazelle_at, $1, NULL
  FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
  {derived_join}
ON CONFLICT ({key}) DO NOTHING
