SELECT held.{first_key}
  FROM {schema}.{table} held
  LEFT JOIN {prefix}{table} rebuilt ON {key_match}
 WHERE held.{first_key} = ANY ($1::text[])
   AND (rebuilt.{first_key} IS NULL OR rebuilt.synced_from_gazelle_at < held.synced_from_gazelle_at)
