-- The same of a rebuild as absent.sql of production.
SELECT named.id FROM unnest($1::text[]) AS named (id)
EXCEPT
SELECT p.external_id FROM {prefix}{parent} p WHERE p.external_id = ANY ($1::text[])
