-- As one array: a row takes many times the memory of an id. Faulty versions that a person has dismissed do not count.
SELECT array_agg(s.id ORDER BY s.fetched_at, s.id)
  FROM {schema}.{staging_table} s
 WHERE s.fetched_at <= $1
   AND {only}
   AND (s.sync_status <> 'error'
        OR NOT EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                        WHERE q.staging_id = s.id AND q.state = 'dismissed'))
