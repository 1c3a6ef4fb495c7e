-- The first run after the last one that compared staging with production for the entity $1, up to the run $2, which
-- is returned if there is none in between. Ids of runs begin with the time by which their versions are dated.
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
