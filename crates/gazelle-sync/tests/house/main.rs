//! Rules for the source text: which module may know what, and that all GraphQL and SQL is valid.

mod circles;
mod decisions;
mod documents;
mod layers;
mod pages;
mod plans;
mod schemas;
mod shape;
mod shown;
mod sql;
mod statements;
#[path = "../support/mod.rs"]
mod support;
mod writers;

use std::fs;
use std::path::{Path, PathBuf};

use gazelle_sim::{ShopSpec, SimOptions, Simulator};
use gazelle_sync::entities::{ApiList, ENTITIES, Query, UndatedEnd};
use gazelle_sync::gazelle_to_staging::Scope;
use gazelle_sync::gazelle_to_staging::requests::counts;
use gazelle_sync::staging_to_production::{derived, upsert};
use serde_json::{Value, json};
use support::TestInstallation;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            let name = path.strip_prefix(src()).unwrap_or(&path).display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

/// The code of a Rust file without comments, so that prose may name what code may not.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// A module's own files: a folder, or the one file.
fn module(name: &str) -> Vec<(String, String)> {
    let found = match src().join(name) {
        folder if folder.is_dir() => files(&folder, "rs"),
        _ => vec![(format!("{name}.rs"), fs::read_to_string(src().join(format!("{name}.rs"))).unwrap())],
    };
    assert!(!found.is_empty(), "{name}");
    found
}

#[track_caller]
fn assert_never_mentions(name: &str, words: &[&str]) {
    for (file, text) in module(name) {
        let code = code(&text);
        for word in words {
            let line = code.lines().find(|line| line.contains(word));
            assert!(line.is_none(), "{file} mentions {word}: {}", line.unwrap_or_default().trim());
        }
    }
}

#[test]
fn the_source_knows_no_database() {
    assert_never_mentions("source", &["tokio_postgres", "crate::db", "crate::staging", "crate::entities"]);
}

#[test]
fn staging_and_entities_know_no_http() {
    for name in ["staging", "entities", "staging_to_production"] {
        assert_never_mentions(name, &["reqwest", "crate::source", "crate::gazelle_to_staging"]);
    }
}

#[test]
fn who_tells_people_and_who_keeps_tokens_ask_gazelle_nothing_themselves() {
    assert_never_mentions("credentials", &["reqwest", "lettre"]);
    assert_never_mentions("alerts", &["crate::source", "GazelleClient"]);
}

#[test]
fn stage_one_does_not_interpret_and_stage_two_does_not_fetch() {
    assert_never_mentions(
        "gazelle_to_staging",
        &["entities::read", "serde_json_borrow", "entities::table", ".reconcile)"],
    );
    assert_never_mentions("staging_to_production", &["GazelleClient", "Fetch", "http"]);
}

#[test]
fn entities_know_no_database_but_their_own_sql() {
    assert_never_mentions(
        "entities",
        &["tokio_postgres", "crate::db", "crate::staging", "crate::orchestrator"],
    );
}

#[test]
fn only_staging_names_the_staging_tables() {
    let staging_tables = support::staging_tables();
    for (file, text) in files(&src(), "rs").into_iter().chain(files(&src(), "sql")) {
        let may = ["staging/", "entities/", "migrations/", "migrate/"]
            .iter()
            .any(|folder| file.starts_with(folder));
        let names = staging_tables.iter().copied().chain(["{staging_table}"]);
        // What a person reads may name them.
        let reads = file.starts_with("cli/") || file.starts_with("orchestrator/judge");
        if !may && !reads {
            for name in names {
                assert!(!code(&text).contains(name), "{file} names {name}");
            }
        }
    }
}

#[test]
fn one_module_knows_the_time_zone() {
    for (file, text) in files(&src(), "rs").into_iter().chain(files(&src(), "sql")) {
        let may = file == "time.rs"
            || file.starts_with("config")
            || file.starts_with("cli")
            // The view, and its later form.
            || ["migrations/0007_views.sql", "migrations/0017_all_day.sql"].contains(&file.as_str());
        if !may {
            for word in [
                "America/Toronto",
                "America/Montreal",
                "AT TIME ZONE 'A",
                "tz::get",
                "TimeZone::get",
                "TimeZone::system",
            ] {
                assert!(!code(&text).contains(word), "{file} mentions {word}");
            }
        }
    }
    let view = fs::read_to_string(src().join("migrations/0017_all_day.sql")).unwrap();
    assert!(view.contains("AT TIME ZONE 'America/Toronto'"));
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    for (folder, extension) in [(crates, "rs"), (src(), "sql"), (src(), "graphql")] {
        for (file, text) in files(&folder, extension) {
            assert!(text.lines().count() <= 400, "{file} has {} lines", text.lines().count());
        }
    }
}

#[tokio::test]
async fn every_query_is_one_that_the_api_allows() {
    let sim = Simulator::start(ShopSpec::small(1), SimOptions::default(), ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |query: &str, operation: &str, variables: Value| -> Value {
        let body = json!({"query": query, "operationName": operation, "variables": variables});
        let request = client.post(sim.graphql_url()).header("x-gazelle-api-key", sim.api_key()).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let mut checked = 0;
    for (file, query) in
        files(&src(), "graphql").into_iter().filter(|(file, _)| !file.ends_with("fields.graphql"))
    {
        let fields =
            fs::read_to_string(src().join(&file).with_file_name("fields.graphql")).unwrap_or_default();
        // As it is sent.
        let query = Query::new(format!("{query}{fields}").leak()).to_string();
        let document =
            graphql_parser::parse_query::<String>(&query).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(document.definitions.len(), 1, "{file}");
        let operation = query.split(['(', '{']).next().unwrap().trim().trim_start_matches("query").trim();
        let mut variables = json!({});
        for (name, value) in [("id", json!("x_1")), ("first", json!(2))] {
            if query.contains(&format!("${name}:")) {
                variables[name] = value;
            }
        }
        let answer = ask(&query, operation, variables).await;
        assert_eq!(answer.get("errors"), None, "{file}: {answer}");
        // The check itself can tell: a field that is not there is refused.
        let wrong = query.replacen(" id ", " id nosuchfield ", 1);
        if wrong != query {
            let answer = ask(&wrong, operation, json!({"id": "x_1", "first": 2})).await;
            assert!(answer["errors"].to_string().contains("nosuchfield"), "{file}: {answer}");
        }
        checked += 1;
    }
    assert!(checked >= 10, "{checked} files");

    for entity in ENTITIES.iter().copied() {
        let scope =
            Scope { from: Some(jiff::civil::date(2026, 1, 1)), until: Some(jiff::civil::date(2026, 12, 31)) };
        if let Some(request) = counts::count_request(entity, &[Scope::WHOLE, scope]) {
            let answer = ask(&request.query, &request.operation_name, request.variables.clone()).await;
            assert_eq!(answer.get("errors"), None, "{}: {answer}", entity.name);
        }
        if let ApiList::Connection { undated: Some(undated), .. } = &entity.walk.shape {
            for end in undated.ends {
                let (UndatedEnd::First(sort) | UndatedEnd::Last(sort)) = end;
                let answer = ask(
                    &entity.walk.page_query,
                    entity.walk.operation,
                    json!({"first": 1, "sortBy": [sort]}),
                )
                .await;
                assert_eq!(answer.get("errors"), None, "{answer}");
            }
        }
    }
}

#[test]
fn operations_are_named_as_their_entities_say() {
    for entity in ENTITIES.iter() {
        for (operation, query) in entity.queries() {
            assert!(query.trim_start().starts_with(&format!("query {operation}")), "{operation}: {query:?}");
        }
    }
}

#[test]
fn a_record_by_id_asks_for_what_a_page_asks_for() {
    /// The selection inside the first braces after this word, without white space.
    fn selection(query: &str, after: &str) -> String {
        let from = query.find(after).unwrap_or_else(|| panic!("{after} in {query}"));
        let open = from + query[from..].find('{').unwrap();
        let mut depth = 0;
        let mut end = open;
        for (index, letter) in query[open..].char_indices() {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            if depth == 0 {
                end = open + index;
                break;
            }
        }
        query[open + 1..end].split_whitespace().collect::<Vec<_>>().join(" ")
    }
    for entity in ENTITIES.iter().copied() {
        let page = match entity.walk.shape {
            ApiList::PlainList => selection(&entity.walk.page_query, entity.walk.root),
            ApiList::Connection { .. } => selection(&entity.walk.page_query, "nodes"),
        };
        for getter in entity.getter.iter().chain(entity.found_through.iter().map(|(_, getter)| getter)) {
            let last = getter.path.last().unwrap();
            let own = selection(
                &getter.query,
                &match getter.path.len() {
                    1 => format!("{last}("),
                    _ => format!("{last} "),
                },
            );
            assert_eq!(
                own, page,
                "{}: the hash of a record must not depend on how it was asked for",
                entity.name
            );
        }
        if let Some(listed) = &entity.listed_in {
            assert_eq!(selection(&listed.query, &format!("{} ", listed.field)), page, "{}", entity.name);
        }
    }
}

#[tokio::test]
async fn every_upsert_prepares_on_a_migrated_database_and_names_every_column() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    for (entity, table) in ENTITIES.iter().flat_map(|e| e.tables.iter().map(move |table| (e, table))) {
        for sql in upsert::Statements::of(entity, table).all() {
            let sql = sql.replace("{schema}", "public");
            place.db.prepare(&sql).await.unwrap_or_else(|e| panic!("{}: {e:?}\n{sql}", table.name));
        }
        let held = place
            .rows(&format!(
                "SELECT attname AS name FROM pg_attribute
                  WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
                table.name
            ))
            .await;
        for column in held.iter().map(|row| row["name"].as_str().unwrap()) {
            let known = table.stored_columns().any(|(stored, _)| stored == column);
            assert!(known, "nobody fills {}.{column}", table.name);
        }
    }
    for entity in ENTITIES.iter().copied() {
        assert!(place.text(&format!("SELECT to_regclass('{}')::text", entity.staging_table)).await.is_some());
        for refresh in derived::refreshes(entity) {
            for sql in [refresh.to_write, refresh.write] {
                place.db.prepare(&sql.replace("{schema}", "public")).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn every_table_has_a_primary_key_and_views_run_with_the_callers_rights() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let without = place
        .text(
            "SELECT string_agg(c.relname, ', ') FROM pg_class c
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
        )
        .await;
    assert_eq!(without, None);
    let views = place
        .text(
            "SELECT string_agg(c.relname, ', ') FROM pg_class c
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
                AND NOT coalesce(c.reloptions::text[] @> ARRAY['security_invoker=true'], false)",
        )
        .await;
    assert_eq!(views, None);
}

#[tokio::test]
async fn supabases_public_roles_cannot_read_staging() {
    let place = TestInstallation::new().await;
    // As Supabase has it: its roles get rights on every table made in public.
    place
        .execute(
            "CREATE ROLE anon; CREATE ROLE authenticated;
             GRANT USAGE ON SCHEMA public TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated",
        )
        .await;
    place.run(&["migrate"]).await.success();
    place.stage("staging_clients", "c", &json!({"id": "c"}), None).await;
    for role in ["anon", "authenticated"] {
        place.execute(&format!("SET ROLE {role}")).await;
        for table in support::staging_tables() {
            // Refused, or no row to be seen.
            let seen =
                place.db.query(&format!("SELECT 1 FROM {table}"), &[]).await.map_or(0, |rows| rows.len());
            assert_eq!(seen, 0, "{role} reads {table}");
        }
        place.execute("RESET ROLE").await;
    }
}

#[test]
fn every_test_that_the_promises_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = ["docs/promises.md", "docs/security.md", "docs/fr/security.md"];
    let pages: String = pages.iter().map(|page| fs::read_to_string(root.join(page)).unwrap()).collect();
    let of_program: Vec<(PathBuf, String)> = files(&root.join("crates/gazelle-sync/tests"), "rs")
        .into_iter()
        .map(|(name, text)| (PathBuf::from(name), text))
        .collect();
    let mut checked = 0;
    // What holds a blank is a command.
    for quoted in pages.split('`').skip(1).step_by(2).filter(|quoted| !quoted.contains(' ')) {
        let Some((file, test)) = quoted.split_once("::") else { continue };
        let read = |file| fs::read_to_string(file).unwrap_or_else(|e| panic!("{quoted}: {e}"));
        let text = match file.contains('/') {
            true => read(root.join(file)),
            // A test of the whole program is named by its file, or by the folder of its files.
            false => of_program
                .iter()
                .filter(|(path, _)| path.with_extension("").iter().any(|part| part == file))
                .map(|(_, text)| text.as_str())
                .collect(),
        };
        assert!(
            text.contains(&format!("fn {test}(")),
            "the promises or the security page name {quoted}, which is not there"
        );
        checked += 1;
    }
    assert!(checked >= 60, "{checked} tests");
}
