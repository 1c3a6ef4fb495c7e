-- How many values of a reference refer to no row of the parent's table, and one such value.
SELECT count(*) AS orphans, min(child.{column}) AS such_as
  FROM {schema}.{table} child
  LEFT JOIN {schema}.{parent} parent ON parent.external_id = child.{column}
 WHERE child.{column} IS NOT NULL AND parent.external_id IS NULL
