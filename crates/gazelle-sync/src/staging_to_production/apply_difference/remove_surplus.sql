-- Deletes rows of production that the rebuild does not contain: of the records $1 if they are given, and not of the
-- records $2. The rebuild's keys are read first, since a distributed table cannot be compared with a temporary one in
-- a DELETE.
WITH kept AS MATERIALIZED (SELECT {key} FROM {prefix}{table})
DELETE FROM {schema}.{table} held
 WHERE NOT EXISTS (SELECT 1 FROM kept rebuilt WHERE {key_match})
   AND ($1::text[] IS NULL OR held.{record} = ANY ($1))
   AND coalesce(held.{record}, '') <> ALL ($2::text[])
