-- Cases that wait, the oldest of them, and when the first run started.
SELECT (SELECT count(*) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS cases,
       (SELECT min(first_seen_at) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS oldest_case,
       (SELECT min(started_at) FROM {schema}.sync_runs) AS first_run
