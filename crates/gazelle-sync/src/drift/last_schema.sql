-- The schema seen last. A longer one than the API can send was not written by us; reading it would take a multiple
-- of its length in memory.
SELECT CASE WHEN octet_length(schema::text) <= 16777216 THEN schema::text END
  FROM {schema}.sync_source_schemas
 ORDER BY last_seen_at DESC
 LIMIT 1
