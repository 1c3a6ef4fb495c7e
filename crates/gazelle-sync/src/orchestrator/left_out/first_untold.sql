-- The first run since the last that told of what it did to an entity, before the run $2 ($2 itself, where all told): that
-- compared staging with production, after stage 2. The ids of runs begin with the clock by which their versions are dated.
SELECT r.run_id
  FROM {schema}.sync_runs r
 WHERE r.run_id <= $2
   AND r.run_id > (SELECT e.run_id
                     FROM {schema}.sync_run_entities e
                    WHERE e.entity = $1
                      AND e.run_id < $2
                      AND e.in_production IS NOT NULL
                    ORDER BY e.run_id DESC
                    LIMIT 1)
 ORDER BY r.run_id
 LIMIT 1
