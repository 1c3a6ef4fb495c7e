-- The schema of the API that was seen last. NULL if it is longer than the API can send: then it was not written by
-- this program, and reading it would take many times its length in memory.
SELECT CASE WHEN octet_length(schema::text) <= 16777216 THEN schema::text END
  FROM {schema}.sync_source_schemas
 ORDER BY last_seen_at DESC
 LIMIT 1
