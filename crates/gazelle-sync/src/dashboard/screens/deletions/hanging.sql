-- How many records of one entity refer to the records $2 of the entities $1, as far as these are of a certain entity.
SELECT {place} AS place, asked.entity, asked.external_id, count(DISTINCT child.{counted}) AS records
  FROM unnest($1::text[], $2::text[]) AS asked (entity, external_id)
  JOIN {schema}.{table} child ON child.{column} = asked.external_id AND child.deleted_at IS NULL
 WHERE asked.entity = '{entity}'
 GROUP BY asked.entity, asked.external_id
