-- Of each entity, the last runs that read its list whole, or as whole as it ever gets. For the schedule a run that failed counts too
-- (else one list that cannot be had would make all of them due again and again), but only where it came to compare production: one
-- that was stopped before may have left versions pending. A good run, whose end is finished_at, is a success or partial.
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
