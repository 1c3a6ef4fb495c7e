//! Everything of a database that must be the same whatever way it was come by.

use tokio_postgres::Client;

use super::{LINEAGE, Tables, production_tables, staging_tables};

/// Production, the versions in staging with their outcome, bookmarks, deletions and quarantine; without what tells
/// the way: lineage, times, numbers of attempts.
pub async fn snapshot_all_tables(db: &Client) -> Tables {
    let mut tables = Tables::new();
    for table in production_tables() {
        let sql = format!(
            "SELECT (to_jsonb(t) - $1::text[] - 'deleted_at'
                     || jsonb_build_object('deleted', deleted_at IS NOT NULL))::text FROM {table} t ORDER BY 1"
        );
        let rows = db.query(&sql, &[&LINEAGE.to_vec()]).await.expect(table);
        tables.insert(table.to_owned(), rows.iter().map(|row| row.get(0)).collect());
    }
    for table in staging_tables() {
        let sql = format!(
            "SELECT concat_ws(' ', external_id, operation, encode(content_hash, 'hex'), sync_status, error_code)
               FROM {table} ORDER BY 1"
        );
        tables.insert(table.to_owned(), texts(db, &sql).await);
    }
    for (table, sql) in [
        ("sync_bookmarks", "SELECT concat_ws(' ', entity, walk) FROM sync_bookmarks ORDER BY 1"),
        (
            "sync_deletions",
            "SELECT concat_ws(' ', entity, external_id, state) FROM sync_deletions ORDER BY 1",
        ),
        (
            "sync_quarantine",
            "SELECT concat_ws(' ', entity, external_id, error_code, waits_for_id, state) FROM sync_quarantine
              WHERE state IN ('open', 'waiting') ORDER BY 1",
        ),
        ("open runs", "SELECT run_id::text FROM sync_runs WHERE status = 'running'"),
    ] {
        tables.insert(table.to_owned(), texts(db, sql).await);
    }
    tables
}

async fn texts(db: &Client, sql: &str) -> Vec<String> {
    let rows = db.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}
