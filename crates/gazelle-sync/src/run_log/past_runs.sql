-- For each of the entities $2, up to the time $1: the start of its last sync and of its last full sync, the end of
-- its last good one, and whether any run knows the entity. Only walks that were complete or settled count.
--
-- A failed run counts for the starts, because otherwise one list that always fails would make all entities due again
-- and again; but only if it compared production, because a run that was stopped before may have left versions
-- pending.
SELECT entity.name, latest.started_at, latest_full.started_at AS full_started_at, good.finished_at,
       EXISTS (SELECT 1 FROM {schema}.sync_run_entities e WHERE e.entity = entity.name) AS is_known
  FROM unnest($2::text[]) WITH ORDINALITY AS entity (name, position)
  LEFT JOIN LATERAL (
       SELECT r.started_at
         FROM {schema}.sync_runs r
         JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = entity.name
        WHERE r.command = 'sync' AND greatest(r.started_at, r.finished_at) <= $1
          AND (r.status IN ('success', 'partial') OR r.status = 'failed' AND e.in_production IS NOT NULL)
          AND (e.walk_complete OR e.walk_settled)
        ORDER BY r.started_at DESC
        LIMIT 1) AS latest ON true
  LEFT JOIN LATERAL (
       SELECT r.started_at
         FROM {schema}.sync_runs r
         JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = entity.name
        WHERE r.command = 'sync' AND greatest(r.started_at, r.finished_at) <= $1 AND r.mode = 'full'
          AND (r.status IN ('success', 'partial') OR r.status = 'failed' AND e.in_production IS NOT NULL)
          AND (e.walk_complete OR e.walk_settled)
        ORDER BY r.started_at DESC
        LIMIT 1) AS latest_full ON true
  LEFT JOIN LATERAL (
       SELECT r.finished_at
         FROM {schema}.sync_runs r
         JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = entity.name
        WHERE r.command = 'sync' AND r.status IN ('success', 'partial') AND greatest(r.started_at, r.finished_at) <= $1
          AND (e.walk_complete OR e.walk_settled)
        ORDER BY r.started_at DESC
        LIMIT 1) AS good ON true
 ORDER BY entity.position
