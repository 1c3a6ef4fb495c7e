-- What waits for a person: cases in quarantine, and deletions that a guard withheld.
SELECT (SELECT count(*) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS cases,
       (SELECT count(*) FROM {schema}.sync_deletions WHERE state = 'withheld') AS deletions
