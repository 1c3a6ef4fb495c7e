-- Updates existing rows that differ, by an UPDATE: INSERT … ON CONFLICT DO UPDATE would first apply what only
-- concerns new rows, such as a user's required column or trigger. Rows that another transaction has changed meanwhile
-- are compared again. Lists are cast in the WITH, because Citus casts no column in an UPDATE.
WITH incoming AS MATERIALIZED (
    SELECT {typed}, i.staging_id, i.synced_from_gazelle_at{derived_values}
      FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
      {derived_join}
)
UPDATE {prefix}{table} AS held
   SET {set_typed},
       staging_id = CASE WHEN {is_as_held} THEN held.staging_id ELSE i.staging_id END,
       synced_from_gazelle_at = CASE WHEN {is_as_held} THEN held.synced_from_gazelle_at ELSE i.synced_from_gazelle_at END,
       reconciler_version = $1,
       deleted_at = NULL
  FROM incoming AS i
 WHERE {held_match}
   AND ({may_write})
   AND (NOT ({is_as_held}) OR held.reconciler_version <> $1)
RETURNING {held_key_text}
