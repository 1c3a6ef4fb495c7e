-- The record that the id $1 is one of, or that holds a row with this id; also one that is gone.
SELECT '{entity}' AS entity, t.{record} AS record FROM {schema}.{table} t WHERE t.{key} = $1
