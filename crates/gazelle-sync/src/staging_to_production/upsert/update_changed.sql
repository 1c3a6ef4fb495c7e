-- Inserts new rows and updates existing ones that differ; equal rows cost neither a write nor WAL. A row whose
-- content is the same, but of another version of the reconciler ($1), keeps the version that it came from. Returns
-- the keys of the written rows.
WITH incoming AS (
    SELECT {typed}, i.staging_id, i.synced_from_gazelle_at{derived_values}
      FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
      {derived_join}
), compared AS (
    SELECT i.*, held.{first_key} IS NULL AS is_new,
           held.reconciler_version AS held_version, held.staging_id AS held_staging_id,
           held.synced_from_gazelle_at AS held_synced_at,
           {is_as_held} AS is_as_held
      FROM incoming i
      LEFT JOIN LATERAL (
           SELECT * FROM {prefix}{table} h WHERE {key_match} LIMIT 1) AS held ON true
     WHERE held.{first_key} IS NULL OR {may_write}
)
INSERT INTO {prefix}{table} AS held
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {all_columns},
       CASE WHEN is_as_held THEN held_staging_id ELSE staging_id END,
       CASE WHEN is_as_held THEN held_synced_at ELSE synced_from_gazelle_at END,
       $1, NULL
  FROM compared
 WHERE is_new OR NOT is_as_held OR held_version <> $1
ON CONFLICT ({key}) DO UPDATE
   SET {assignments},
       staging_id = EXCLUDED.staging_id,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at,
       reconciler_version = EXCLUDED.reconciler_version,
       deleted_at = EXCLUDED.deleted_at
 {still_later}
RETURNING {held_key_text}
