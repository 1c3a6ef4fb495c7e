-- What a technician may read, by row: own appointments, and the clients and pianos they concern. For Supabase, where
-- people log in as `authenticated` and auth.jwt() says who they are; an example to be read, changed and run by hand
-- (psql -f), as an administrator, after `gazelle-sync migrate --roles`. gazelle-sync neither runs nor changes it, and
-- running it again changes nothing. Ours is the schema `public`: where it is another one, write its name for `public` below.
--
-- Each user's technician is written by an administrator alone, for instance in the SQL editor:
--   UPDATE auth.users SET raw_app_meta_data = raw_app_meta_data || '{"gazelle_user_id": "usr_…"}' WHERE email = '…';
-- The office's own people get "gazelle_office": true there and see everything. Never take user_metadata for this:
-- users can write it themselves.
--
-- One Postgres is assumed: on Citus a policy must hold no sub-select, so that only the first one would do there.

-- Whoever may create in `public` could have put a function or an operator there that would run as the administrator: names
-- without a schema are the server's alone. RESET, at the end, puts back what the session had.
SET search_path = pg_catalog, pg_temp;

-- Columns are granted, rows are filtered. Whatever is not named here stays refused: staging, bookkeeping, users' mail
-- addresses. Nobody is given a right to write.
GRANT SELECT ON public.gazelle_appointments, public.gazelle_appointment_pianos, public.gazelle_clients, public.gazelle_contacts,
                public.gazelle_locations, public.gazelle_pianos, public.v_appointments_montreal TO authenticated;
GRANT SELECT (external_id, first_name, last_name, status, deleted_at) ON public.gazelle_users TO authenticated;

-- (SELECT …) around the token: it is read once a statement, not once a row. Compared as text: a cast would fail on a claim
-- that somebody wrote otherwise, and every query of that person with it.
DROP POLICY IF EXISTS technician_reads_own ON public.gazelle_appointments;
CREATE POLICY technician_reads_own ON public.gazelle_appointments FOR SELECT TO authenticated
    USING (deleted_at IS NULL
           AND (technician_external_id = (SELECT auth.jwt() -> 'app_metadata' ->> 'gazelle_user_id')
                OR (SELECT auth.jwt() -> 'app_metadata' ->> 'gazelle_office' = 'true')));

-- The rest follows from it: a sub-select sees only the appointments that its reader may see.
DROP POLICY IF EXISTS technician_reads_own ON public.gazelle_appointment_pianos;
CREATE POLICY technician_reads_own ON public.gazelle_appointment_pianos FOR SELECT TO authenticated
    USING (deleted_at IS NULL
           AND appointment_external_id IN (SELECT a.external_id FROM public.gazelle_appointments a));

DROP POLICY IF EXISTS technician_reads_own ON public.gazelle_clients;
CREATE POLICY technician_reads_own ON public.gazelle_clients FOR SELECT TO authenticated
    USING (deleted_at IS NULL
           AND (external_id IN (SELECT a.client_external_id FROM public.gazelle_appointments a)
                OR (SELECT auth.jwt() -> 'app_metadata' ->> 'gazelle_office' = 'true')));

DROP POLICY IF EXISTS technician_reads_own ON public.gazelle_contacts;
CREATE POLICY technician_reads_own ON public.gazelle_contacts FOR SELECT TO authenticated
    USING (deleted_at IS NULL AND client_external_id IN (SELECT c.external_id FROM public.gazelle_clients c));

DROP POLICY IF EXISTS technician_reads_own ON public.gazelle_locations;
CREATE POLICY technician_reads_own ON public.gazelle_locations FOR SELECT TO authenticated
    USING (deleted_at IS NULL AND client_external_id IN (SELECT c.external_id FROM public.gazelle_clients c));

DROP POLICY IF EXISTS technician_reads_own ON public.gazelle_pianos;
CREATE POLICY technician_reads_own ON public.gazelle_pianos FOR SELECT TO authenticated
    USING (deleted_at IS NULL AND client_external_id IN (SELECT c.external_id FROM public.gazelle_clients c));

-- Names of colleagues.
DROP POLICY IF EXISTS technician_reads_names ON public.gazelle_users;
CREATE POLICY technician_reads_names ON public.gazelle_users FOR SELECT TO authenticated USING (true);

RESET search_path;
