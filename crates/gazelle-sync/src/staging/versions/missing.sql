-- How many of the versions $1 do not exist. One lookup by key for each, because a table that is being filled has no
-- statistics and would be read whole.
SELECT count(*)
  FROM unnest($1::uuid[]) AS asked (id)
 WHERE (SELECT s.id FROM {schema}.{staging_table} s WHERE s.id = asked.id) IS NULL
