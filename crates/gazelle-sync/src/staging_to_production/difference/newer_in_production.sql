-- Of the rows with the keys $1, those that the rebuild lacks or has from an older version than production.
SELECT held.{first_key}
  FROM {schema}.{table} held
  LEFT JOIN {prefix}{table} rebuilt ON {key_match}
 WHERE held.{first_key} = ANY ($1::text[])
   AND (rebuilt.{first_key} IS NULL OR rebuilt.synced_from_gazelle_at < held.synced_from_gazelle_at)
