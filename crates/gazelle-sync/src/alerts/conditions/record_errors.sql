-- How many records are in quarantine whose first error is later than $1, by entity.
SELECT entity, count(*) AS count
  FROM (SELECT entity, external_id
          FROM {schema}.sync_quarantine
         WHERE state IN ('open', 'waiting')
         GROUP BY entity, external_id
        HAVING min(first_seen_at) > $1) AS record
 GROUP BY entity
 ORDER BY entity
