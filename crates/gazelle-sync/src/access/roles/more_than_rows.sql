-- Attributes and memberships of the roles $1 that reading and writing rows does not need: one row each with the role,
-- a description and the statement that removes it. A role counts as every role that it can act as, with or without
-- inheriting its rights.
--
-- A role with CREATEROLE counts as an administrator on every version: up to Postgres 15 it can make itself a member
-- of the owner of our tables.
WITH asked AS (
    SELECT r.oid, r.rolname, r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ($1::text[])
), held AS (
    -- A superuser is a member of everybody.
    SELECT asked.oid AS member, asked.rolname AS member_name, h.oid, h.rolname, h.rolsuper, h.rolbypassrls, h.rolcreaterole,
           h.rolreplication, asked.oid = h.oid AS is_itself
      FROM asked
      JOIN pg_catalog.pg_roles h
        ON h.oid = asked.oid OR NOT asked.rolsuper AND pg_catalog.pg_has_role(asked.oid, h.oid, 'MEMBER')
), found AS (
    SELECT held.*, fault.what, fault.without, fault.place
      FROM held
     CROSS JOIN LATERAL (
           SELECT 'is a superuser' AS what, 'NOSUPERUSER' AS without, 1 AS place WHERE held.rolsuper
           UNION ALL
           SELECT 'bypasses row security', 'NOBYPASSRLS', 2 WHERE held.rolbypassrls
           UNION ALL
           SELECT 'may make roles', 'NOCREATEROLE', 3 WHERE held.rolcreaterole
           UNION ALL
           SELECT 'may read all of the server by replication', 'NOREPLICATION', 4 WHERE held.rolreplication
           UNION ALL
           SELECT 'owns the database', NULL, 5
             FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database() AND d.datdba = held.oid
           UNION ALL
           SELECT server.what, NULL, 6
             FROM (VALUES ('pg_read_all_data', 'reads every table'), ('pg_write_all_data', 'writes every table'),
                          ('pg_execute_server_program', 'runs programs as the server does'),
                          ('pg_read_server_files', 'reads the files of the server'),
                          ('pg_write_server_files', 'writes the files of the server'),
                          ('pg_create_subscription', 'may have another server write here'),
                          ('pg_maintain', 'maintains every table')) AS server (name, what)
            WHERE server.name = held.rolname) AS fault
)
SELECT found.member_name::text AS name,
       CASE WHEN found.is_itself THEN pg_catalog.format('%I %s', found.member_name, found.what)
            ELSE pg_catalog.format('%I is a member of %I, which %s', found.member_name, found.rolname, found.what) END AS said,
       CASE WHEN found.is_itself AND found.without IS NOT NULL
            THEN pg_catalog.format('ALTER ROLE %I %s', found.member_name, found.without)
            WHEN found.is_itself
            THEN pg_catalog.format('ALTER DATABASE %I OWNER TO an administrator', pg_catalog.current_database())
            -- The membership nearest to what it leads to.
            ELSE (SELECT pg_catalog.format('REVOKE %I FROM %I', found.rolname, m.rolname)
                    FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles m ON m.oid = a.member
                   WHERE a.roleid = found.oid AND pg_catalog.pg_has_role(found.member, m.oid, 'MEMBER')
                   ORDER BY m.oid = found.member DESC, m.rolname
                   LIMIT 1) END AS fix,
       found.is_itself AND found.place = 5 AS owns_database
  FROM found
 ORDER BY pg_catalog.array_position($1::text[], found.member_name::text), found.is_itself DESC, found.place, found.rolname
