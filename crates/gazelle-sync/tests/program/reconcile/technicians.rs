//! The example of policies by technician (`examples/policies-by-technician.sql`), tried as a technician.

use crate::support::roles::{act_as, client_of, permission_denied, query_or_sqlstate, supabase};
use serde_json::{Value, json};

/// Supabase's own function, as its documentation has it.
const AUTH: &str = "
    CREATE SCHEMA auth; GRANT USAGE ON SCHEMA auth TO authenticated;
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''),
                       nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;";

#[tokio::test]
async fn by_the_example_a_technician_sees_only_own_appointments_and_what_they_concern() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    world.execute(AUTH).await;
    let example = include_str!("../../../../../examples/policies-by-technician.sql");
    let administrator = client_of(&world, "administrator").await;
    for _ in 0..2 {
        administrator.batch_execute(example).await.unwrap();
    }
    let technicians = world.rows("SELECT technician_external_id AS id, count(*) AS n FROM gazelle_appointments WHERE deleted_at IS NULL AND technician_external_id IS NOT NULL GROUP BY 1").await;
    assert!(technicians.len() >= 2, "{technicians:?}");
    let log_in = async |claims: Value| {
        administrator.batch_execute("RESET ROLE").await.unwrap();
        administrator
            .query("SELECT set_config('request.jwt.claims', $1, false)", &[&claims.to_string()])
            .await
            .unwrap();
        administrator.batch_execute("SET ROLE authenticated").await.unwrap();
    };
    let mut fewer = false;
    for technician in &technicians {
        let id = technician["id"].as_str().unwrap();
        let own = technician["n"].as_u64().unwrap() as usize;
        // What a person may write of himself counts for nothing.
        log_in(json!({"app_metadata": {"gazelle_user_id": id}, "user_metadata": {"gazelle_office": true}}))
            .await;
        assert_eq!(
            query_or_sqlstate(&administrator, "SELECT * FROM gazelle_appointments").await,
            Ok(own),
            "{id}"
        );
        assert_eq!(
            query_or_sqlstate(&administrator, "SELECT client_external_id FROM v_appointments_montreal").await,
            Ok(own)
        );
        for (table, column) in [
            ("gazelle_clients", "external_id"),
            ("gazelle_contacts", "client_external_id"),
            ("gazelle_pianos", "client_external_id"),
        ] {
            let concerned = world
                .one::<i64>(
                    &format!("SELECT count(*) FROM {table} WHERE {column} IN (SELECT client_external_id FROM gazelle_appointments WHERE technician_external_id = $1 AND deleted_at IS NULL)"),
                    &[&id],
                )
                .await;
            fewer |= concerned < world.count(table).await;
            assert!(concerned > 0 || table == "gazelle_pianos", "{table}");
            assert_eq!(
                query_or_sqlstate(&administrator, &format!("SELECT * FROM {table}")).await,
                Ok(concerned as usize),
                "{table}"
            );
        }
        for sql in [
            "SELECT email FROM gazelle_users",
            "SELECT 1 FROM staging_appointments",
            "SELECT 1 FROM sync_runs",
            "UPDATE gazelle_appointments SET title = 'x'",
        ] {
            assert_eq!(query_or_sqlstate(&administrator, sql).await, permission_denied(), "{sql}");
        }
    }
    assert!(fewer, "somebody does not see it all");
    for nobody in [
        json!({}),
        json!({"app_metadata": {"gazelle_user_id": null}}),
        json!({"app_metadata": {"gazelle_office": false}}),
        json!({"app_metadata": {"gazelle_office": "x"}}),
        json!({"app_metadata": {"gazelle_office": ["true"]}}),
        json!({"app_metadata": "true"}),
    ] {
        log_in(nobody).await;
        for table in ["gazelle_appointments", "gazelle_clients", "gazelle_pianos"] {
            assert_eq!(
                query_or_sqlstate(&administrator, &format!("SELECT 1 FROM {table}")).await,
                Ok(0),
                "{table}"
            );
        }
    }
    log_in(json!({"app_metadata": {"gazelle_office": true}})).await;
    let all = world.count("gazelle_clients").await as usize;
    assert_eq!(query_or_sqlstate(&administrator, "SELECT 1 FROM gazelle_clients").await, Ok(all));
    // A client that is deleted is seen by nobody, though an appointment still names it.
    let (id, client): (String, String) = {
        let named = "SELECT technician_external_id, client_external_id FROM gazelle_appointments
                      WHERE deleted_at IS NULL AND technician_external_id IS NOT NULL AND client_external_id IS NOT NULL LIMIT 1";
        let row = world.db.query_one(named, &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    world
        .execute(&format!("UPDATE gazelle_clients SET deleted_at = now() WHERE external_id = '{client}'"))
        .await;
    for claims in
        [json!({"app_metadata": {"gazelle_user_id": id}}), json!({"app_metadata": {"gazelle_office": true}})]
    {
        log_in(claims).await;
        let seen = format!("SELECT 1 FROM gazelle_clients WHERE external_id = '{client}'");
        assert_eq!(query_or_sqlstate(&administrator, &seen).await, Ok(0));
        let carried = format!("SELECT 1 FROM gazelle_contacts WHERE client_external_id = '{client}'");
        assert_eq!(query_or_sqlstate(&administrator, &carried).await, Ok(0));
    }
    world
        .execute(&format!("UPDATE gazelle_clients SET deleted_at = NULL WHERE external_id = '{client}'"))
        .await;
    // The sync is not concerned by policies of others.
    world.full_sync_ok().await;
    world.run(&["verify", "--offline"]).await.success();
}
