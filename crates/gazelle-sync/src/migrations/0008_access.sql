-- Supabase grants every new table of the schema public to its public roles. Raw history and bookkeeping are
-- not theirs to read, and production is not anonymous: row security without a policy, and no grant.
DO $$
DECLARE
    ours text;
    role text;
BEGIN
    FOR ours IN
        SELECT format('%I.%I', schemaname, tablename)
          FROM pg_tables
         WHERE schemaname = {schema_text}
           AND tablename IN ('staging_users', 'staging_clients', 'staging_pianos', 'staging_appointments',
                             'sync_migrations', 'sync_runs', 'sync_run_entities', 'sync_run_requests',
                             'sync_bookmarks', 'sync_lease', 'sync_quarantine', 'sync_quality_warnings',
                             'sync_notes', 'sync_reconcilers', 'sync_deletions')
    LOOP
        EXECUTE 'ALTER TABLE ' || ours || ' ENABLE ROW LEVEL SECURITY';
        FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
        LOOP
            EXECUTE 'REVOKE ALL ON ' || ours || ' FROM ' || role;
        END LOOP;
        EXECUTE 'REVOKE ALL ON ' || ours || ' FROM PUBLIC';
    END LOOP;
    FOR ours IN
        SELECT format('%I.%I', schemaname, name)
          FROM (SELECT schemaname, tablename AS name FROM pg_tables
                UNION ALL SELECT schemaname, viewname FROM pg_views) AS relation
         WHERE schemaname = {schema_text}
           AND name IN ('gazelle_users', 'gazelle_clients', 'gazelle_contacts', 'gazelle_locations',
                        'gazelle_pianos', 'gazelle_appointments', 'gazelle_appointment_pianos',
                        'v_appointments_montreal', 'v_sync_dashboard', 'v_sync_dashboard_entities')
    LOOP
        FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = 'anon'
        LOOP
            EXECUTE 'REVOKE ALL ON ' || ours || ' FROM ' || role;
        END LOOP;
    END LOOP;
END
$$;
