-- What every page asks first, in one round trip: whether the database is the demonstration's, its time, and what waits for a person, cases
-- in quarantine and deletions that a guard withheld. Text that the following statements make of a time is in UTC.
SELECT pg_catalog.set_config('TimeZone', 'UTC', true) AS zone,
       EXISTS (SELECT FROM {schema}.sync_notes WHERE key = 'shop' AND value = 'demo') AS is_demo,
       clock_timestamp() AS now,
       (SELECT count(*) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS cases,
       (SELECT count(*) FROM {schema}.sync_deletions WHERE state = 'withheld') AS deletions
