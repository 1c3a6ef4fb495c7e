-- The schema seen last. Longer than any that the API may send is somebody else's; reading it would take many times its length.
SELECT CASE WHEN octet_length(schema::text) <= 16777216 THEN schema::text END
  FROM {schema}.sync_source_schemas
 ORDER BY last_seen_at DESC
 LIMIT 1
