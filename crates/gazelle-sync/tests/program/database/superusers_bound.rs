//! What a superuser would run without its being seen at once: by a key that refers to our tables, by functions of the server's that run
//! any text, by what an owner has besides, by a type inside another, and with a lesser role in force.

use super::superusers::{granted_to_bi, left_by_an_owner_that_nobody_acts_as};
use super::there_first::{TRAP, as_mallory, nothing_sprang, refused, with_mallory, works};
use crate::support::roles::act_as;
use crate::support::{DATABASE, World};

/// That the commands refuse what was hung and name it.
async fn refuses(world: &World, words: &[&str]) {
    for command in [&["sync"][..], &["status"], &["migrate"]] {
        let run = world.run(command).await;
        // The refusal itself may name the trap.
        nothing_sprang(world, &format!("{command:?}")).await;
        refused(&run, words);
    }
}

#[tokio::test]
async fn a_table_whose_rows_go_with_ours_runs_nothing_as_a_superuser() {
    let world = granted_to_bi().await;
    as_mallory(&world, TRAP).await;
    as_mallory(
        &world,
        "CREATE TABLE public.his (run uuid REFERENCES sync_runs ON DELETE CASCADE);
         CREATE TRIGGER t AFTER DELETE ON public.his FOR EACH ROW EXECUTE FUNCTION public.trap()",
    )
    .await;
    world
        .execute("INSERT INTO public.his SELECT run_id FROM sync_runs; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory; GRANT ALL ON public.his TO mallory")
        .await;
    refuses(
        &world,
        &["the table public.his", "foreign key", "of mallory", "is a superuser", "ALTER TABLE public.his"],
    )
    .await;
    // That it would: as runs are forgotten.
    world.execute("DELETE FROM sync_runs").await;
    assert!(world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await, "the attack itself");
    world
        .execute(
            "ALTER ROLE mallory NOSUPERUSER; SELECT setval('public.sprung', 1, false); DROP TABLE public.his",
        )
        .await;
    // A key by which nothing is written harms nobody, and one of a superuser's table is the company's.
    world
        .execute(
            "GRANT REFERENCES ON gazelle_clients TO mallory;
             CREATE TABLE public.his (client text REFERENCES gazelle_clients); ALTER TABLE public.his OWNER TO mallory;
             REVOKE REFERENCES ON gazelle_clients FROM mallory;
             CREATE TABLE public.notes (client text REFERENCES gazelle_clients ON DELETE CASCADE)",
        )
        .await;
    works(&world, "keys of the company").await;
    // But not where somebody may hang a trigger on that.
    world.execute("GRANT TRIGGER ON public.notes TO mallory").await;
    let words =
        ["mallory may hang triggers on", "REVOKE TRIGGER, REFERENCES ON public.notes FROM mallory CASCADE"];
    refuses(&world, &words).await;
}

#[tokio::test]
async fn functions_of_the_servers_that_run_any_text_run_nothing_as_a_superuser() {
    let mut world = left_by_an_owner_that_nobody_acts_as().await;
    act_as(&mut world, "postgres");
    for (hung, named, away) in [
        (
            "ALTER TABLE gazelle.sync_runs ADD CONSTRAINT x
                 CHECK (query_to_xml('SELECT public.sprung_too()', true, true, '') IS NOT NULL) NOT VALID",
            "the constraint x of gazelle.sync_runs calls query_to_xml",
            "ALTER TABLE gazelle.sync_runs DROP CONSTRAINT x",
        ),
        (
            "ALTER TABLE gazelle.sync_runs ADD COLUMN x text; ALTER TABLE gazelle.sync_runs ALTER COLUMN x
                 SET DEFAULT table_to_xml('public.calling', true, true, '')::text",
            "the default of gazelle.sync_runs.x calls table_to_xml",
            "ALTER TABLE gazelle.sync_runs DROP COLUMN x",
        ),
        (
            "ALTER TABLE gazelle.sync_runs ADD COLUMN x text; ALTER TABLE gazelle.sync_runs ALTER COLUMN x
                 SET DEFAULT pg_read_file('PG_VERSION')",
            "the default of gazelle.sync_runs.x calls pg_read_file",
            "ALTER TABLE gazelle.sync_runs DROP COLUMN x",
        ),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON gazelle.sync_lease FOR EACH ROW
                 WHEN (query_to_xml('SELECT public.sprung_too()', true, true, '') IS NOT NULL)
                 EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "the trigger t of gazelle.sync_lease calls query_to_xml",
            "DROP TRIGGER t ON gazelle.sync_lease",
        ),
        (
            "CREATE RULE r AS ON INSERT TO gazelle.sync_runs DO ALSO SELECT * FROM ts_stat('SELECT public.sprung_too()::text::tsvector')",
            "the rule r of gazelle.sync_runs calls ts_stat",
            "DROP RULE r ON gazelle.sync_runs",
        ),
        (
            // The type is a number here, on which nothing depends.
            "DO $$ BEGIN EXECUTE format('ALTER TABLE gazelle.sync_runs ADD CONSTRAINT x
                 CHECK (domain_in(''t''::cstring, %s::oid, -1) IS NOT NULL) NOT VALID', 'public.evil'::regtype::oid); END $$",
            "the constraint x of gazelle.sync_runs calls domain_in",
            "ALTER TABLE gazelle.sync_runs DROP CONSTRAINT x",
        ),
        (
            "CREATE TYPE public.pair AS (a public.evil); ALTER TABLE gazelle.sync_runs ADD COLUMN x public.pair[]",
            "the column x of gazelle.sync_runs is of the domain public.evil of mallory",
            "ALTER TABLE gazelle.sync_runs DROP COLUMN x",
        ),
    ] {
        world.execute(&format!("{hung}; SELECT setval('public.sprung', 1, false)")).await;
        refuses(&world, &[named, "is a superuser"]).await;
        world.execute(away).await;
    }
    works(&world, "without any of them").await;
}

#[tokio::test]
async fn what_a_company_adds_with_the_servers_own_functions_serves_a_superuser() {
    let mut world = with_mallory().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    act_as(&mut world, "postgres");
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "CREATE TYPE public.colour AS ENUM ('red');
             ALTER TABLE gazelle_clients ADD COLUMN seen timestamptz DEFAULT now(), ADD COLUMN tag uuid DEFAULT gen_random_uuid(),
                 ADD COLUMN at text DEFAULT to_char(clock_timestamp(), 'YYYY'), ADD COLUMN number serial, ADD COLUMN colour public.colour,
                 ADD COLUMN name text GENERATED ALWAYS AS (lower(company_name)) STORED,
                 ADD CONSTRAINT sane CHECK (company_name NOT LIKE 'no%' AND length(company_name) < 900 AND seen < now() + interval '1 day');
             CREATE INDEX ON gazelle_clients (lower(company_name)) WHERE deleted_at IS NULL;
             CREATE TABLE public.log (client text);
             CREATE RULE noted AS ON DELETE TO gazelle_clients DO ALSO INSERT INTO public.log VALUES (OLD.external_id);
             CREATE TRIGGER same BEFORE UPDATE ON gazelle_clients FOR EACH ROW WHEN (NEW.company_name IS DISTINCT FROM OLD.company_name)
                 EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        )
        .await;
    for command in [&["migrate"][..], &["sync"], &["status"]] {
        world.run(command).await.success();
    }
}

#[tokio::test]
async fn an_owner_that_owns_more_than_our_tables_is_refused_to_a_superuser() {
    let mut world = left_by_an_owner_that_nobody_acts_as().await;
    act_as(&mut world, "postgres");
    works(&world, "an owner of our tables alone").await;
    // He made it as the role, and calls it whenever he likes.
    world
        .execute(
            "CREATE FUNCTION public.act(what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
                 $$ BEGIN EXECUTE what; END $$;
             ALTER FUNCTION public.act OWNER TO ghost",
        )
        .await;
    let words =
        ["belongs to ghost", "function public.act(text) besides, which may act as ghost", "is a superuser"];
    refuses(&world, &words).await;
    let attack = "SELECT public.act('CREATE TRIGGER t BEFORE INSERT ON gazelle.sync_runs FOR EACH ROW EXECUTE FUNCTION public.trap()')";
    as_mallory(&world, attack).await;
    world.execute("DROP TRIGGER t ON gazelle.sync_runs; DROP FUNCTION public.act").await;
    works(&world, "when it is gone").await;
    // The schema's owner may put other tables in the place of ours.
    world
        .execute("CREATE ROLE keeper NOLOGIN; ALTER SCHEMA gazelle OWNER TO keeper; GRANT USAGE ON SCHEMA gazelle TO ghost; CREATE TABLE public.kept (id int)")
        .await;
    works(&world, "a schema's owner that nobody acts as").await;
    world.execute("ALTER TABLE public.kept OWNER TO keeper").await;
    refuses(&world, &["the schema gazelle belongs to keeper", "table public.kept besides"]).await;
}

#[tokio::test]
async fn a_superuser_with_a_lesser_role_in_force_is_one() {
    let mut world = left_by_an_owner_that_nobody_acts_as().await;
    world
        .execute(
            "CREATE ROLE app NOLOGIN; GRANT USAGE ON SCHEMA gazelle TO app; GRANT ALL ON ALL TABLES IN SCHEMA gazelle TO ghost;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA gazelle TO app; ALTER ROLE app BYPASSRLS;
             CREATE ROLE second LOGIN SUPERUSER; ALTER ROLE second SET role = 'app';
             CREATE ROLE third LOGIN; GRANT postgres TO third;
             CREATE TRIGGER t BEFORE INSERT OR UPDATE ON gazelle.sync_lease FOR EACH ROW EXECUTE FUNCTION public.trap()",
        )
        .await;
    // Who may put a superuser in force is one too.
    for role in ["second", "third"] {
        act_as(&mut world, role);
        refuses(&world, &["the trigger t of gazelle.sync_lease", "of mallory", "is a superuser"]).await;
    }
    world
        .execute("DROP TRIGGER t ON gazelle.sync_lease; ALTER TABLE gazelle.sync_runs OWNER TO mallory")
        .await;
    act_as(&mut world, "second");
    refuses(&world, &["belongs to mallory", "(second) is a superuser, also with the role app in force"])
        .await;
}
