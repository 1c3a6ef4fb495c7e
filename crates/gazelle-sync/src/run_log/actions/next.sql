-- The oldest action that has not ended.
SELECT id, kind, arguments, based_on
  FROM {schema}.sync_actions
 WHERE outcome IS NULL
 ORDER BY id
 LIMIT 1
