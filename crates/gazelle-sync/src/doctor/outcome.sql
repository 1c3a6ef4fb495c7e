-- Records in quarantine that are not closed, and deletions that a guard withheld.
SELECT (SELECT count(*) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS quarantined,
       (SELECT count(*) FROM {schema}.sync_deletions WHERE state = 'withheld') AS deletions
