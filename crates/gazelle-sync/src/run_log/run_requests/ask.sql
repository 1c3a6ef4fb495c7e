-- Inserts a request ($1) for a run of the mode $2 and the entities $3, unless the same request is waiting. Returns
-- the id of the inserted or of the waiting request.
WITH waiting AS (
    SELECT id FROM {schema}.sync_wanted_runs
     WHERE outcome IS NULL AND taken_at IS NULL AND mode = $2 AND entities IS NOT DISTINCT FROM $3
     ORDER BY requested_at, id
     LIMIT 1
), added AS (
    INSERT INTO {schema}.sync_wanted_runs (id, mode, entities, requested_by, requested_at)
    SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM waiting)
    RETURNING id
)
SELECT id FROM added UNION ALL SELECT id FROM waiting
