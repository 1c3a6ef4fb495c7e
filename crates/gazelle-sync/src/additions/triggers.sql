-- Triggers and rules on the relations $2 of the schema $1, triggers of other tables whose functions name one of
-- these, and what is left of the old system: the trigger $3 and the function $4. `subject` is relation and name of
-- one that is active on one of our relations.
WITH touching AS (
    SELECT t.tgname::text AS name, c.relname::text AS relation, n.nspname::text AS schema, p.proname::text AS function,
           p.prosrc AS source, n.nspname = $1 AND c.relname = ANY ($2::text[]) AS on_ours,
           t.tgname = $3 OR p.proname = $4 AS is_old, t.tgenabled,
           -- Such a function finds names without a schema in pg_catalog alone when it is we who write.
           l.lanname NOT IN ('internal', 'c')
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.unnest(p.proconfig) AS setting
                            WHERE pg_catalog.starts_with(setting, 'search_path=')) AS needs_path,
           pg_catalog.format('ALTER FUNCTION %s() SET search_path = %I, pg_temp', p.oid::regproc, $1) AS give_path
      FROM pg_catalog.pg_trigger t
      JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
      JOIN pg_catalog.pg_language l ON l.oid = p.prolang
     WHERE NOT t.tgisinternal
)
SELECT is_old,
       pg_catalog.format('trigger %s on %s.%s calls %s', name, schema, relation, function)
       || CASE WHEN tgenabled = 'D' THEN ' (disabled)'
               WHEN needs_path AND NOT is_old
               THEN ', which has no search_path of its own and so must name everything with its schema, or get one ('
                    || give_path || ')'
               ELSE '' END AS said,
       pg_catalog.format('DROP TRIGGER %I ON %I.%I', name, schema, relation) AS fix,
       CASE WHEN on_ours AND tgenabled <> 'D' THEN relation || '.' || name END AS subject
  FROM touching
 WHERE on_ours OR (is_old AND schema = $1)
UNION ALL
-- A trigger elsewhere that writes into ours.
SELECT false,
       pg_catalog.format('trigger %s on %s.%s calls %s, whose text names %s', name, schema, relation, function, named.ours),
       pg_catalog.format('see what it does: SELECT prosrc FROM pg_proc WHERE proname = %L', function),
       NULL
  FROM touching
 CROSS JOIN LATERAL (SELECT pg_catalog.string_agg(wanted, ', ') AS ours FROM pg_catalog.unnest($2::text[]) AS wanted
                      WHERE touching.source ~ ('[[:<:]]' || wanted || '[[:>:]]')) AS named
 WHERE NOT on_ours AND NOT is_old AND named.ours IS NOT NULL
UNION ALL
SELECT false,
       pg_catalog.format('rule %s on %s.%s', r.rulename, n.nspname, c.relname),
       pg_catalog.format('DROP RULE %I ON %I.%I', r.rulename, n.nspname, c.relname),
       c.relname || '.' || r.rulename
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN' AND n.nspname = $1 AND c.relname = ANY ($2::text[])
UNION ALL
SELECT true,
       pg_catalog.format('function %s.%s(%s) is still there', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
       pg_catalog.format('DROP FUNCTION %I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
       NULL
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE p.proname = $4 AND n.nspname IN ($1, 'public')
 ORDER BY 1 DESC, 2
