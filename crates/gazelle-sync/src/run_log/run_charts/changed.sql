-- How many new versions the runs $1 staged of each entity that they read.
SELECT run_id::text AS run_id, entity, staged
  FROM {schema}.sync_run_entities
 WHERE run_id = ANY ($1::uuid[])
   AND (walk IS NOT NULL OR staged > 0)
