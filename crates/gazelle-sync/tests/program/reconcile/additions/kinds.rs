//! What users add, one kind each.

/// One thing that a user adds, and what comes of it.
pub struct Addition {
    /// What it is, for messages.
    pub name: &'static str,
    /// The statements that add it to a filled database. `{other}` is an appointment that stays as it is.
    pub add: &'static str,
    /// The statements that remove it.
    pub remove: &'static str,
    /// What the reason of the refused record names; none where nothing is refused.
    pub refuses: Option<&'static str>,
    /// Whether it is a difference in itself, which `verify` must find and which a `replay` cannot fix.
    pub alters: bool,
    /// The subjects of the warnings by which `sync` names it.
    pub warned: &'static [&'static str],
}

/// Every kind, on the appointment whose title becomes `Refusé`; what does no harm, all at once.
pub const ADDITIONS: [Addition; 13] = [
    Addition {
        name: "what refuses nothing",
        add: "ALTER TABLE gazelle_appointments ADD COLUMN defaut text NOT NULL DEFAULT 'x';
              ALTER TABLE gazelle_appointments ADD COLUMN numero bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
              ALTER TABLE gazelle_appointments ADD COLUMN bas text GENERATED ALWAYS AS (lower(title)) STORED;
              CREATE INDEX mon_index ON gazelle_appointments (lower(title));
              COMMENT ON COLUMN gazelle_appointments.title IS 'à moi';
              CREATE VIEW ma_vue AS SELECT external_id, title FROM gazelle_appointments;
              CREATE POLICY lire ON gazelle_appointments FOR SELECT USING (true);
              CREATE POLICY taire ON gazelle_appointments AS RESTRICTIVE USING (title NOT LIKE 'Refus%');
              CREATE TABLE mes_notes (evenement text PRIMARY KEY REFERENCES gazelle_appointments ON DELETE CASCADE);
              INSERT INTO mes_notes SELECT external_id FROM gazelle_appointments;
              CREATE TABLE mes_pianos (piano text REFERENCES gazelle_pianos ON DELETE RESTRICT);
              INSERT INTO mes_pianos SELECT external_id FROM gazelle_pianos;
              CREATE TABLE mes_clients (client text REFERENCES gazelle_clients);
              INSERT INTO mes_clients SELECT external_id FROM gazelle_clients;
              CREATE TABLE mes_visites (visite text REFERENCES gazelle_appointments DEFERRABLE INITIALLY DEFERRED);
              INSERT INTO mes_visites SELECT external_id FROM gazelle_appointments",
        remove: "DROP TABLE mes_notes, mes_pianos, mes_clients, mes_visites; DROP VIEW ma_vue; DROP POLICY lire ON gazelle_appointments;
              DROP POLICY taire ON gazelle_appointments; DROP INDEX mon_index; ALTER TABLE gazelle_appointments
              DROP COLUMN defaut, DROP COLUMN numero, DROP COLUMN bas",
        refuses: None,
        alters: false,
        warned: &[
            "gazelle_appointments.taire",
            "public.mes_clients.mes_clients_client_fkey",
            "public.mes_notes.mes_notes_evenement_fkey",
            "public.mes_pianos.mes_pianos_piano_fkey",
            "public.mes_visites.mes_visites_visite_fkey",
        ],
    },
    Addition {
        name: "a required column without a default",
        add: "ALTER TABLE gazelle_appointments ADD COLUMN mien text DEFAULT 'x' NOT NULL;
              ALTER TABLE gazelle_appointments ALTER COLUMN mien DROP DEFAULT",
        remove: "ALTER TABLE gazelle_appointments DROP COLUMN mien",
        // Of new rows alone: see `required`.
        refuses: None,
        alters: false,
        warned: &["gazelle_appointments.mien"],
    },
    Addition {
        name: "a generated column that fails on a row",
        add: "ALTER TABLE gazelle_appointments ADD COLUMN mien integer
                GENERATED ALWAYS AS (1 / CASE WHEN title LIKE 'Refus%' THEN 0 ELSE 1 END) STORED",
        remove: "ALTER TABLE gazelle_appointments DROP COLUMN mien",
        refuses: Some("22012"),
        alters: false,
        // Whether it can fail, nobody knows before.
        warned: &[],
    },
    Addition {
        name: "a check",
        add: "ALTER TABLE gazelle_appointments ADD CONSTRAINT mon_controle CHECK (title NOT LIKE 'Refus%')",
        remove: "ALTER TABLE gazelle_appointments DROP CONSTRAINT mon_controle",
        refuses: Some("mon_controle"),
        alters: false,
        warned: &["gazelle_appointments.mon_controle"],
    },
    Addition {
        name: "a column of ours that must have a value",
        add: "UPDATE gazelle_appointments SET travel_mode = coalesce(travel_mode, 'x');
              ALTER TABLE gazelle_appointments ALTER COLUMN travel_mode SET NOT NULL",
        remove: "ALTER TABLE gazelle_appointments ALTER COLUMN travel_mode DROP NOT NULL",
        refuses: Some("travel_mode"),
        alters: true,
        warned: &["gazelle_appointments.travel_mode"],
    },
    Addition {
        name: "a unique index",
        add: "CREATE UNIQUE INDEX un_seul ON gazelle_appointments ((1)) WHERE title LIKE 'Refus%' OR external_id = '{other}'",
        remove: "DROP INDEX un_seul",
        refuses: Some("un_seul"),
        alters: false,
        warned: &["gazelle_appointments.un_seul"],
    },
    Addition {
        name: "a foreign key to a user's table",
        add: "CREATE TABLE mes_titres (titre text PRIMARY KEY);
              INSERT INTO mes_titres SELECT DISTINCT title FROM gazelle_appointments WHERE title IS NOT NULL;
              ALTER TABLE gazelle_appointments ADD CONSTRAINT mon_titre FOREIGN KEY (title) REFERENCES mes_titres",
        remove: "ALTER TABLE gazelle_appointments DROP CONSTRAINT mon_titre; DROP TABLE mes_titres",
        refuses: Some("title"),
        alters: false,
        warned: &["gazelle_appointments.mon_titre"],
    },
    Addition {
        name: "a foreign key that is asked at the end of a transaction",
        add: "CREATE TABLE mes_titres (titre text PRIMARY KEY);
              INSERT INTO mes_titres SELECT DISTINCT title FROM gazelle_appointments WHERE title IS NOT NULL;
              ALTER TABLE gazelle_appointments ADD CONSTRAINT mon_titre FOREIGN KEY (title) REFERENCES mes_titres
                DEFERRABLE INITIALLY DEFERRED",
        remove: "ALTER TABLE gazelle_appointments DROP CONSTRAINT mon_titre; DROP TABLE mes_titres",
        refuses: Some("mon_titre"),
        alters: false,
        warned: &["gazelle_appointments.mon_titre"],
    },
    Addition {
        name: "a trigger that refuses at the end of a transaction",
        add: "CREATE FUNCTION refuser() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.title LIKE 'Refus%' THEN RAISE EXCEPTION 'secret %', NEW.title; END IF; RETURN NULL; END $$;
              CREATE CONSTRAINT TRIGGER refuser AFTER INSERT OR UPDATE ON gazelle_appointments
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuser()",
        remove: "DROP FUNCTION refuser CASCADE",
        refuses: Some("refuser()"),
        alters: true,
        warned: &["gazelle_appointments.refuser"],
    },
    Addition {
        name: "a trigger that changes a value of ours and fills one of the user's",
        add: "ALTER TABLE gazelle_appointments ADD COLUMN mien text;
              CREATE FUNCTION crier() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN NEW.title := upper(NEW.title); NEW.mien := 'moi'; RETURN NEW; END $$;
              CREATE TRIGGER crier BEFORE INSERT OR UPDATE ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION crier()",
        remove: "DROP FUNCTION crier CASCADE; ALTER TABLE gazelle_appointments DROP COLUMN mien",
        refuses: None,
        alters: true,
        warned: &["gazelle_appointments.crier"],
    },
    Addition {
        name: "a trigger that refuses a row",
        add: "CREATE FUNCTION refuser() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.title LIKE 'Refus%' THEN RAISE EXCEPTION 'secret %', NEW.title; END IF; RETURN NEW; END $$;
              CREATE TRIGGER refuser BEFORE INSERT OR UPDATE ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION refuser()",
        remove: "DROP FUNCTION refuser CASCADE",
        refuses: Some("refuser()"),
        alters: true,
        warned: &["gazelle_appointments.refuser"],
    },
    Addition {
        name: "a trigger that names a table that is gone",
        add: "CREATE FUNCTION refuser() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.title LIKE 'Refus%' THEN INSERT INTO plus_la VALUES (NEW.title); END IF; RETURN NEW; END $$;
              CREATE TRIGGER refuser BEFORE INSERT OR UPDATE ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION refuser()",
        remove: "DROP FUNCTION refuser CASCADE",
        refuses: Some("refuser()"),
        alters: true,
        warned: &["gazelle_appointments.refuser"],
    },
    Addition {
        name: "a trigger that drops a row",
        add: "CREATE FUNCTION taire() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.title LIKE 'Refus%' THEN RETURN NULL; END IF; RETURN NEW; END $$;
              CREATE TRIGGER taire BEFORE INSERT OR UPDATE ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION taire()",
        remove: "DROP FUNCTION taire CASCADE",
        refuses: Some("left rows of gazelle_appointments as they were"),
        alters: true,
        warned: &["gazelle_appointments.taire"],
    },
];
