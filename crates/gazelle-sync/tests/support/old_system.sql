-- A made-up database of the old system (V5).
DO $$ BEGIN
    CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; CREATE ROLE lecteur NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

CREATE TABLE gazelle_clients (
    id serial PRIMARY KEY,
    external_id text UNIQUE NOT NULL,
    company_name text,
    tags text[],
    couleur_locale text DEFAULT 'bleu'
);
CREATE TABLE gazelle_appointments (
    id serial PRIMARY KEY,
    external_id text UNIQUE,
    client_external_id text REFERENCES gazelle_clients (external_id),
    appointment_date date,
    appointment_time time,
    title text,
    technicien text,
    last_notified_tech_id text,
    notified_at timestamptz
);
COMMENT ON TABLE gazelle_appointments IS 'Rendez-vous, heure de Montréal';
CREATE INDEX appointments_par_jour ON gazelle_appointments (appointment_date);
CREATE TABLE staging_appointments (id bigserial PRIMARY KEY, payload jsonb);
ALTER TABLE gazelle_clients ENABLE ROW LEVEL SECURITY;
CREATE POLICY tout_voir ON gazelle_clients FOR SELECT TO lecteur USING (true);
GRANT SELECT ON gazelle_appointments, gazelle_clients TO lecteur, anon, authenticated;

INSERT INTO gazelle_clients (external_id, company_name, tags) VALUES
    ('cli_old0000000000001', 'École de l''Étude', '{vip,"a b"}'), ('cli_old0000000000002', NULL, '{}');
INSERT INTO gazelle_appointments (external_id, client_external_id, appointment_date, appointment_time, title, last_notified_tech_id)
VALUES ('evt_old0000000000001', 'cli_old0000000000001', '2026-01-09', '07:00', 'Tire le Coyote avant 8h', 'usr_7'),
       ('evt_old0000000000002', 'cli_old0000000000002', '2026-01-09', '18:00', 'Tire le Coyote à 18h', NULL);

CREATE FUNCTION fn_fix_gazelle_api_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.appointment_time := NEW.appointment_time - interval '10 hours'; -- {schema}
    RETURN NEW;
END $$;
CREATE TRIGGER tr_fix_api_import BEFORE INSERT ON gazelle_appointments
    FOR EACH ROW EXECUTE FUNCTION fn_fix_gazelle_api_time();
ALTER TABLE gazelle_appointments ENABLE ALWAYS TRIGGER tr_fix_api_import;
COMMENT ON TRIGGER tr_fix_api_import ON gazelle_appointments IS 'corrige l''heure';
CREATE FUNCTION maj() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr_maj BEFORE UPDATE ON gazelle_clients FOR EACH ROW EXECUTE FUNCTION maj();

-- The company's own.
CREATE TABLE rappels (
    id serial PRIMARY KEY,
    appointment_id integer NOT NULL REFERENCES gazelle_appointments (id) ON DELETE CASCADE,
    envoye boolean DEFAULT false
);
INSERT INTO rappels (appointment_id) VALUES (1), (2);
ALTER TABLE rappels ENABLE ROW LEVEL SECURITY;
CREATE POLICY rappels_des_clients ON rappels FOR SELECT TO lecteur
    USING (EXISTS (SELECT 1 FROM gazelle_appointments a WHERE a.id = appointment_id));
CREATE VIEW v_tournee AS
    SELECT external_id, title, appointment_time - interval '5 hours' AS heure, last_notified_tech_id FROM gazelle_appointments;
CREATE VIEW v_tournee_du_jour AS SELECT * FROM v_tournee WHERE heure IS NOT NULL;
CREATE FUNCTION compter_rendez_vous() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM gazelle_appointments';
CREATE PUBLICATION realtime FOR TABLE gazelle_appointments;
