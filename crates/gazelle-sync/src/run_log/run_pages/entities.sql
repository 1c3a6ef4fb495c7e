-- What a run ($1) did of each entity.
SELECT entity, walk, walk_complete, walk_settled, short_by, left(incomplete_reason, 2000) AS incomplete_reason, source_total,
       seen, fetched, unlisted, found_by_id, staged, unchanged, processed, errors, quarantined, unreadable_fields, deleted,
       dropped, rows_written, in_staging, in_production, fetch_ms, reconcile_ms
  FROM {schema}.sync_run_entities
 WHERE run_id = $1
