//! Tests the texts of database errors.

use super::*;

#[test]
fn a_statement_is_named_by_what_it_does() {
    for (sql, told) in [
        ("SELECT count(*) FROM {schema}.gazelle_users WHERE true", "SELECT count(*) FROM gazelle_users"),
        ("-- why\nUPDATE {schema}.sync_runs SET a = 1", "UPDATE sync_runs"),
        ("COMMIT", "COMMIT"),
        ("INSERT INTO {schema}.sync_undos (undo_id, run_id)\n VALUES ($1, $2)", "INSERT INTO sync_undos"),
        ("INSERT INTO {schema}.sync_undos(undo_id) VALUES ($1)", "INSERT INTO sync_undos"),
        ("DELETE FROM {schema}.a AS held USING b", "DELETE FROM a"),
        (
            "SELECT external_id, extract(epoch FROM now()), x\n  FROM {schema}.gazelle_users, b WHERE c FOR UPDATE",
            "SELECT … FROM gazelle_users",
        ),
        ("SELECT DISTINCT channel FROM {schema}.a", "SELECT DISTINCT channel FROM a"),
        ("SELECT current_setting('a'), b", "SELECT …"),
        (
            "SELECT a, count(b) FROM (SELECT * FROM {schema}.gazelle_pianos LIMIT $2) a",
            "SELECT … FROM gazelle_pianos",
        ),
        ("SELECT 1", "SELECT 1"),
        ("(SELECT 1 FROM {schema}.a) EXCEPT (SELECT 1 FROM b)", "SELECT 1 FROM a"),
        ("SET LOCAL jit = off; SET LOCAL statement_timeout = 4500", "SET LOCAL jit …"),
        ("CREATE OR REPLACE VIEW {schema}.v AS SELECT 1", "CREATE OR REPLACE VIEW v …"),
        ("CREATE UNIQUE INDEX IF NOT EXISTS i ON {schema}.a (b)", "CREATE UNIQUE INDEX IF NOT EXISTS i …"),
        ("CREATE TABLE {schema}.a (b text)", "CREATE TABLE a …"),
        ("ALTER TABLE {schema}.a ADD COLUMN b text", "ALTER TABLE a …"),
        ("LOCK TABLE {schema}.a", "LOCK TABLE a"),
        ("GRANT SELECT, INSERT ON {schema}.a TO b", "GRANT …"),
        (
            "WITH i AS (SELECT 1)\nINSERT INTO {schema}.gazelle_users (a) SELECT 1\nON CONFLICT DO UPDATE SET a = 2",
            "INSERT INTO gazelle_users",
        ),
        ("WITH gone AS (DELETE FROM {schema}.a RETURNING 1) UPDATE {schema}.b SET x = 1", "UPDATE b"),
        ("WITH o AS (UPDATE {schema}.a SET b = 1 RETURNING c) SELECT * FROM o", "UPDATE a"),
        ("WITH o AS (SELECT 1 FROM t FOR UPDATE) SELECT 1", "WITH o …"),
    ] {
        assert_eq!(headline(sql), told);
    }
}

#[test]
fn a_certificate_of_an_old_version_gets_advice() {
    let told = with_advice("invalid peer certificate: Other(UnsupportedCertVersion)".to_owned());
    assert!(told.contains("of version 3") && told.contains("UnsupportedCertVersion"), "{told}");
}

#[test]
fn a_fault_has_no_chain_that_repeats_it() {
    let error = anyhow::Error::from(DbError::infrastructure("once"));
    assert_eq!(format!("{error:#}"), "once");
}

#[test]
fn why_nothing_can_be_read_is_known_by_the_servers_code_or_by_where_it_was_found() {
    let of_state =
        |state: &str| DbError { state: Some(state.to_owned()), ..DbError::infrastructure("x") }.outage();
    for (state, outage) in [
        ("57014", Some(Outage::Slow)),
        ("55P03", Some(Outage::Slow)),
        ("42501", Some(Outage::NoRight)),
        ("57P01", Some(Outage::Unreachable)),
        ("53300", Some(Outage::Unreachable)),
        ("08006", Some(Outage::Unreachable)),
        ("42P01", None),
        ("22008", None),
    ] {
        assert_eq!(of_state(state), outage, "{state}");
    }
    assert_eq!(DbError::no_answer("x").outage(), Some(Outage::Unreachable));
    assert_eq!(DbError::unconnected("x").outage(), Some(Outage::Unreachable));
    assert_eq!(DbError::of_outage(Outage::OlderTables, "x").outage(), Some(Outage::OlderTables));
    assert_eq!(DbError::infrastructure("x").outage(), None);
}
