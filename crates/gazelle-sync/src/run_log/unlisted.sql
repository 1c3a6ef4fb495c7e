-- Of the entities $1, those whose last walk did not reach the end of its list. A walk with a number in short_by reached it.
-- A run with a mode that recorded no entity was killed, or failed at the database: which lists it read is not known, and it
-- counts as one that read none. The run $2, which asks, does not count.
SELECT entity.name
  FROM unnest($1::text[]) AS entity (name)
 CROSS JOIN LATERAL (
       SELECT e.run_id IS NOT NULL AND (e.walk_complete OR e.walk_settled OR e.short_by IS NOT NULL) AS was_listed
         FROM {schema}.sync_runs r
         LEFT JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = entity.name
        WHERE r.started_at <= clock_timestamp()
          AND r.run_id <> $2
          AND (e.walk_complete IS NOT NULL
               OR r.mode IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM {schema}.sync_run_entities recorded WHERE recorded.run_id = r.run_id))
        ORDER BY r.started_at DESC
        LIMIT 1) AS latest
 WHERE NOT latest.was_listed
