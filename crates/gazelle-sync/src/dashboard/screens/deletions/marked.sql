-- How many records were found gone by the runs that are kept, since when, and how many of them were marked deleted.
SELECT count(*) AS records, min(found_at) AS since, count(*) FILTER (WHERE state IN ('deleted', 'approved')) AS marked
  FROM {schema}.sync_deletions
