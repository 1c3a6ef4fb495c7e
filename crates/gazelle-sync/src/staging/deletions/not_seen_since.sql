-- Of the records $1, those without a version seen after $2.
SELECT gone.external_id
  FROM unnest($1::text[]) AS gone (external_id)
 WHERE NOT EXISTS (SELECT 1 FROM {schema}.{staging_table} since
                    WHERE since.external_id = gone.external_id AND since.fetched_at > $2)
