//! Tests that the lists of names match what the migrations create.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_table_and_view_of_the_migrations_is_listed() {
    let made = |what: &str| -> Vec<String> {
        let mut names: Vec<String> = MIGRATIONS
            .iter()
            .flat_map(|migration| migration.sql.split(what).skip(1))
            .filter_map(|rest| rest.split_whitespace().next())
            .map(|name| name.replace("{schema}.", ""))
            .filter(|name| name != "{staging_table}")
            .collect();
        names.sort();
        names
    };
    let sorted = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(made("CREATE TABLE "), sorted(TABLES));
    assert_eq!(made("CREATE VIEW "), sorted(&VIEWS));
    let staging = staging_tables().collect::<BTreeSet<_>>().len();
    assert_eq!(tables().len(), TABLES.len() + staging + [REGISTER].len());
}

#[test]
fn the_views_over_production_are_those_that_their_migrations_create() {
    let created = production_views().zip(production_view_names());
    for (sql, name) in created {
        assert!(sql.contains(&format!("VIEW {{schema}}.{name} ")), "{name}: {sql}");
        assert!(VIEWS.contains(&name), "{name}");
    }
    assert_eq!(production_views().count(), production_view_names().count());
}

#[test]
fn no_migration_only_comments() {
    // An upgrade locks tables, and older programs then refuse the database: a comment is not worth that.
    let only_comments = |migration: &&Migration| {
        let statements = migration.sql.lines().filter(|line| !line.starts_with("--")).collect::<String>();
        statements
            .split(';')
            .all(|statement| statement.trim().is_empty() || statement.trim().starts_with("COMMENT"))
    };
    let found: Vec<i64> =
        MIGRATIONS.iter().filter(only_comments).map(|migration| migration.version.into()).collect();
    assert!(found.is_empty(), "{found:?}");
}
