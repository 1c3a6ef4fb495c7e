-- How many records were marked deleted with evidence, and since when.
SELECT count(*) AS records, min(found_at) AS since
  FROM {schema}.sync_deletions
 WHERE state IN ('deleted', 'approved')
