-- How many records of the entity $1 are in production while a version of them is in quarantine.
SELECT count(DISTINCT q.external_id)
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{table} t ON t.external_id = q.external_id AND t.deleted_at IS NULL
 WHERE q.entity = $1 AND q.state IN ('open', 'waiting')
