-- As absent.sql, for a rebuild and written differently, so that both do not share a mistake.
SELECT named.id FROM unnest($1::text[]) AS named (id)
EXCEPT
SELECT p.external_id FROM {prefix}{parent} p WHERE p.external_id = ANY ($1::text[])
