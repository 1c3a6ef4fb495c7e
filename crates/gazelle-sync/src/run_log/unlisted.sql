-- Of the entities $1, those whose last walk did not reach the end of its list. A walk with a number in short_by reached it.
SELECT entity.name
  FROM unnest($1::text[]) AS entity (name)
 CROSS JOIN LATERAL (
       SELECT e.walk_complete OR e.walk_settled OR e.short_by IS NOT NULL AS was_listed
         FROM {schema}.sync_runs r
         JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = entity.name
        WHERE e.walk_complete IS NOT NULL AND r.started_at <= clock_timestamp()
        ORDER BY r.started_at DESC
        LIMIT 1) AS latest
 WHERE NOT latest.was_listed
