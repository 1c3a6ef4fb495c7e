-- What the versions $1 of an entity are called, but for very large ones.
SELECT s.id, left(coalesce(s.raw_data ->> 'title', s.raw_data ->> 'companyName', s.raw_data ->> 'lastName', s.raw_data ->> 'make'), 200) AS title
  FROM {schema}.{staging_table} s
 WHERE s.id = ANY ($1::uuid[])
   AND pg_column_size(s.raw_data) < 65536
   AND coalesce(s.raw_data ->> 'title', s.raw_data ->> 'companyName', s.raw_data ->> 'lastName', s.raw_data ->> 'make') <> ''
