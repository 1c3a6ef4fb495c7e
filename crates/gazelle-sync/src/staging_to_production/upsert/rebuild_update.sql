-- Updates the rows of a rebuild that exist and differ; a row with the same content keeps the version that it came
-- from. Rows are looked up by key and updated by their position, since a table that is being filled has no
-- statistics.
UPDATE {prefix}{table} t
   SET {set_from_incoming},
       staging_id = i.staging_id, synced_from_gazelle_at = i.synced_from_gazelle_at, reconciler_version = $1,
       deleted_at = NULL
  FROM (SELECT i.*{derived_values}
          FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
          {derived_join}) AS i
 CROSS JOIN LATERAL (
       SELECT h.ctid AS place, h.* FROM {prefix}{table} h WHERE {key_match} LIMIT 1) AS held
 WHERE t.ctid = held.place
   AND ({may_write})
   AND (held.deleted_at IS NOT NULL
        OR held.synced_from_gazelle_at > i.synced_from_gazelle_at
        OR ({held_values}) IS DISTINCT FROM ({incoming_values}))
