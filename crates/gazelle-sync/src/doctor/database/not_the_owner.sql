-- Our own role, unless it administers roles or acts for the owner of our tables (of the migrations table, $1).
SELECT me.rolname::text
  FROM pg_roles me
  JOIN pg_class c ON c.relname = $1
                 AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema_text})
 WHERE me.rolname = current_user AND NOT me.rolsuper AND me.oid NOT IN ({makers})
   AND NOT pg_has_role(me.oid, c.relowner, 'USAGE')
