-- One row if the column $3 of the table $2 in the schema $1 has a valid foreign key of one column to the table $4.
SELECT 1
  FROM pg_constraint k
  JOIN pg_class child ON child.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = child.relnamespace
  JOIN pg_class parent ON parent.oid = k.confrelid AND parent.relnamespace = n.oid
  JOIN pg_attribute a ON a.attrelid = child.oid AND a.attnum = k.conkey[1]
 WHERE k.contype = 'f' AND k.convalidated AND cardinality(k.conkey) = 1
   AND n.nspname = $1 AND child.relname = $2 AND a.attname = $3 AND parent.relname = $4
