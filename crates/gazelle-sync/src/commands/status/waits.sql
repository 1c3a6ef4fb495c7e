-- What waits for a person: records in quarantine, the oldest of them, and deletions that a guard withheld.
SELECT (SELECT count(*) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS quarantined,
       (SELECT min(first_seen_at) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS oldest_quarantined_at,
       (SELECT count(*) FROM {schema}.sync_deletions WHERE state = 'withheld') AS deletions
