-- The comment of the schema $1, and what in it must not be dropped: the schema itself or one of the relations $2,
-- with its owner. Ours is what belongs to the current role, or to a role whose rights it has and as which nobody else
-- can log in but superusers. A superuser may drop only its own, since it has the rights of every role.
WITH me AS (
    {session}
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
