-- Users' triggers and rules on the relations $2 of the schema $1. The rule that defines a view is left out.
SELECT 'trigger' AS kind, t.tgname::text AS name, c.relname::text AS relation
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND n.nspname = $1 AND c.relname = ANY ($2::text[])
UNION ALL
SELECT 'rule', r.rulename::text, c.relname::text
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN' AND n.nspname = $1 AND c.relname = ANY ($2::text[])
 ORDER BY 3, 2
