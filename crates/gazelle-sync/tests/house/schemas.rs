//! Names of our tables and views carry their schema wherever a statement names one: `search_path` holds `pg_catalog` alone, so a
//! bare name fails at run time, in the one statement that nobody tried.

use gazelle_sync::migrations::relation_names;

use super::statements::all;

/// The first of these relations that a statement names without a schema. `sync_runs.id` is a column of a table named before, and
/// `'sync_runs'` a text.
fn bare<'n>(sql: &str, names: &[&'n str]) -> Option<&'n str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    names.iter().copied().find(|name| {
        sql.match_indices(name).any(|(at, _)| {
            let (before, after) = (&sql[..at], &sql[at + name.len()..]);
            let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
            let is_named = ["from ", "join ", "into ", "update ", "table ", "view ", "only ", ", "]
                .iter()
                .any(|word| before.ends_with(word));
            // After a comma only the list of FROM names relations; a column may have the same name elsewhere.
            let in_list = !before.ends_with(", ")
                || before.rfind(" from ").is_some_and(|from| !before[from..].contains(" where "));
            is_whole && is_named && in_list
        })
    })
}

#[test]
fn no_statement_names_a_relation_of_ours_without_its_schema() {
    let names = relation_names();
    let found: Vec<String> = all()
        .iter()
        .filter_map(|statement| {
            bare(&statement.text, &names)
                .map(|name| format!("{}: {name} without {{schema}}.: {}", statement.place, statement.text))
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
    for (sql, expected) in [
        ("select id from sync_runs", Some("sync_runs")),
        ("select a from {schema}.sync_cases c join sync_runs r on true", Some("sync_runs")),
        ("insert into sync_runs (id) values ($1)", Some("sync_runs")),
        ("select a from {schema}.sync_runs, sync_runs", Some("sync_runs")),
        ("select sync_runs.id from {schema}.sync_runs where 'sync_runs' = $1", None),
        ("select id from {schema}.sync_runs", None),
        ("select id from sync_runs_of_today", None),
    ] {
        assert_eq!(bare(sql, &["sync_runs"]), expected, "{sql}");
    }
}
