-- How many cases were closed, and how many of them by a person.
SELECT count(*) AS closed, count(*) FILTER (WHERE state = 'dismissed') AS dismissed
  FROM {schema}.sync_quarantine
 WHERE state NOT IN ('open', 'waiting')
