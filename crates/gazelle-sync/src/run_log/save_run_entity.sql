-- Inserts the counts of a run ($1) for one entity ($2).
INSERT INTO {schema}.sync_run_entities
       (run_id, entity, walk, walk_complete, incomplete_reason, source_total, seen, fetched, staged, unchanged,
        processed, errors, deleted, rows_written, in_staging, in_production, fetch_ms, reconcile_ms,
        dropped, unlisted, found_by_id, quarantined, unreadable_fields, walk_settled, short_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
RETURNING 1
