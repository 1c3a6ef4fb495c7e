-- Triggers, rules and restrictive policies of the table $2 in the schema $1 that can suppress a write without an
-- error, each with its description and name.
SELECT pg_catalog.format('trigger %s (function %s)', t.tgname, p.proname) AS said, t.tgname::text AS name
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 -- For each row (1) and before it is written (2).
 WHERE n.nspname = $1 AND c.relname = $2 AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 3 = 3
UNION ALL
SELECT pg_catalog.format('rule %s', r.rulename), r.rulename::text
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2 AND r.ev_enabled <> 'D'
UNION ALL
SELECT pg_catalog.format('policy %s', p.polname), p.polname::text
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2 AND NOT p.polpermissive
 ORDER BY 1
