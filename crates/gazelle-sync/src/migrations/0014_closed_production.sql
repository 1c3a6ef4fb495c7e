-- Production gets row security too, and Supabase's public roles lose what its default privileges gave them:
-- TRUNCATE, among others, which no policy holds back. Whoever was granted a table by name goes on as before,
-- through a policy of his own; `authenticated` is refused aloud rather than shown no row, until a policy of the
-- company lets it in.
DO $$
DECLARE
    ours record;
    grantee text;
    production CONSTANT text[] := ARRAY['gazelle_users', 'gazelle_clients', 'gazelle_contacts', 'gazelle_locations',
                                        'gazelle_pianos', 'gazelle_appointments', 'gazelle_appointment_pianos'];
    let_in boolean;
BEGIN
    FOR ours IN
        SELECT c.oid, c.relowner, c.relacl, c.relrowsecurity, c.relname = ANY (production) AS is_table,
               format('%I.%I', n.nspname, c.relname) AS name,
               CASE WHEN c.relname = ANY (production) THEN c.oid
                    ELSE (SELECT t.oid FROM pg_class t
                           WHERE t.relnamespace = c.relnamespace AND t.relname = 'gazelle_appointments') END AS source
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {schema_text}
           AND (c.relname = ANY (production)
                OR c.relname IN ('v_appointments_montreal', 'v_sync_dashboard', 'v_sync_dashboard_entities'))
         ORDER BY c.relname
    LOOP
        IF ours.is_table AND NOT ours.relrowsecurity THEN
            FOR grantee IN
                SELECT DISTINCT r.rolname
                  FROM (SELECT ours.relacl AS acl
                        UNION ALL
                        SELECT attacl FROM pg_attribute WHERE attrelid = ours.oid AND attacl IS NOT NULL) AS held
                 CROSS JOIN LATERAL aclexplode(held.acl) AS granted
                  JOIN pg_roles r ON r.oid = granted.grantee
                 WHERE r.oid <> ours.relowner
                   AND NOT r.rolsuper
                   AND NOT r.rolbypassrls
                   AND r.rolname NOT IN ('anon', 'authenticated')
                 ORDER BY 1
            LOOP
                -- Grants still say what the role may do; the policy takes nothing from it and adds nothing.
                EXECUTE format('CREATE POLICY %I ON %s TO %I USING (true) WITH CHECK (true)',
                               left('as before for ' || grantee, 63), ours.name, grantee);
            END LOOP;
        END IF;
        IF ours.is_table THEN
            EXECUTE 'ALTER TABLE ' || ours.name || ' ENABLE ROW LEVEL SECURITY';
        END IF;
        EXECUTE 'REVOKE ALL ON ' || ours.name || ' FROM PUBLIC';
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'anon') THEN
            EXECUTE 'REVOKE ALL ON ' || ours.name || ' FROM anon';
        END IF;
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'authenticated') THEN
            SELECT EXISTS (SELECT 1 FROM pg_policy p
                            WHERE p.polrelid = ours.source AND p.polcmd IN ('r', '*')
                              AND (0 = ANY (p.polroles)
                                   OR (SELECT oid FROM pg_roles WHERE rolname = 'authenticated') = ANY (p.polroles)))
                   AND ours.name NOT LIKE '%v\_sync%' INTO let_in;
            IF let_in THEN
                EXECUTE 'REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ' || ours.name
                        || ' FROM authenticated';
            ELSE
                EXECUTE 'REVOKE ALL ON ' || ours.name || ' FROM authenticated';
            END IF;
        END IF;
    END LOOP;
END
$$;
