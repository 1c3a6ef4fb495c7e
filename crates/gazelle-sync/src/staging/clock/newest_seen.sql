-- When the versions staged last were seen, going by their ids, which begin with the time of their making. The bound leaves
-- out most random ids, and the run those of people.
SELECT max(last.fetched_at)
  FROM (SELECT s.fetched_at
          FROM {schema}.{staging_table} s
         WHERE s.id < '08000000-0000-0000-0000-000000000000'
           AND s.run_id IS NOT NULL
         ORDER BY s.id DESC
         LIMIT 500) AS last
