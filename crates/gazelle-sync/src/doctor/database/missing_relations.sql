-- The relations among $1 that do not exist.
SELECT wanted
  FROM unnest($1::text[]) AS wanted
 WHERE NOT EXISTS (SELECT 1
                     FROM pg_catalog.pg_class c
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = {schema_text} AND c.relname = wanted)
 ORDER BY 1
