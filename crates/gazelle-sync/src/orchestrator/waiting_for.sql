-- How many records of each entity wait for a missing parent, by the parent's table.
SELECT q.entity, q.waits_for, count(DISTINCT q.external_id) AS records
  FROM {schema}.sync_quarantine q
 WHERE q.state = 'waiting'
   AND q.waits_for IS NOT NULL
 GROUP BY q.entity, q.waits_for
 ORDER BY q.entity, q.waits_for
