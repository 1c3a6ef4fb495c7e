-- The comment of the schema $1, and what of it is not ours to drop: itself or one of the relations $2, with its owner. Ours
-- is what belongs to the role in force, or to one whose rights it has and nobody else that could log in, but for superusers; a
-- superuser has everybody's rights, which says nothing.
WITH me AS (
    SELECT r.oid,
           EXISTS (SELECT 1 FROM pg_catalog.pg_roles s
                    WHERE (s.rolsuper OR s.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'))
                      AND (pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER') OR pg_catalog.pg_has_role(login.oid, s.oid, 'MEMBER')))
               AS rolsuper
      FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles login ON login.rolname = session_user
     WHERE r.rolname = current_user
), things AS (
    SELECT n.oid, 0 AS at, pg_catalog.quote_ident(n.nspname) AS name, n.nspowner AS owner
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname = $1
    UNION ALL
    SELECT n.oid, 1, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner
      FROM pg_catalog.pg_namespace n
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($2::text[])
     WHERE n.nspname = $1
), others AS (
    SELECT things.oid, things.at, things.name, pg_catalog.pg_get_userbyid(things.owner)::text AS owner
      FROM things CROSS JOIN me
     WHERE things.owner <> me.oid
       AND (me.rolsuper OR NOT pg_catalog.pg_has_role(me.oid, things.owner, 'USAGE')
            OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                        WHERE m.rolcanlogin AND NOT m.rolsuper AND m.oid <> me.oid
                          AND pg_catalog.pg_has_role(m.oid, things.owner, 'MEMBER')))
)
SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment, others.name, others.owner
  FROM pg_catalog.pg_namespace n
  LEFT JOIN others ON others.oid = n.oid
 WHERE n.nspname = $1
 ORDER BY others.at, others.name
