-- The latest `fetched_at` of the versions staged last. Their ids begin with the time of creation; the bound excludes
-- most random ids, and `run_id` the versions inserted by hand.
SELECT max(last.fetched_at)
  FROM (SELECT s.fetched_at
          FROM {schema}.{staging_table} s
         WHERE s.id < '08000000-0000-0000-0000-000000000000'
           AND s.run_id IS NOT NULL
         ORDER BY s.id DESC
         LIMIT 500) AS last
