//! Stage 1 against an API that misbehaves: what can be repaired is, what cannot is said, and nothing is lost.

use std::time::Duration;

use crate::support::walks::{EVENTS, assert_whole, bookmark, one_by_one};
use crate::support::{TestInstallation, World, assert_same};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use serde_json::json;

#[tokio::test]
async fn partial_data_never_completes_a_walk() {
    let world = one_by_one().await;
    let partial = |missing_nodes| FaultKind::PartialData {
        message: "Timeout resolving nodes of Mme Tremblay".to_owned(),
        null_nodes: 0,
        missing_nodes,
    };
    world.control.add_fault(Fault::new(partial(2)).on_field(EVENTS).skip(3).forever());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.entity("appointments")["walk_complete"], false);
    assert_eq!(bookmark(&world, "appointments").await, None);

    world.control.clear_faults();
    world.control.add_fault(Fault::new(partial(1)).on_field(EVENTS).skip(3).times(2));
    world.full().await.success();
    assert_whole(&world).await;
}

#[tokio::test]
async fn faults_of_a_moment_are_tried_again() {
    let kinds = [
        FaultKind::ServerError,
        FaultKind::BadGateway,
        FaultKind::HtmlOk,
        FaultKind::ConnectionReset,
        FaultKind::CutBody,
        FaultKind::TruncatedJson,
        FaultKind::TooManyRequests { retry_after_seconds: None },
        FaultKind::GraphqlError {
            message: "Throttled".to_owned(),
            extensions: Some(json!({"code": "THROTTLED"})),
        },
        FaultKind::GraphqlError { message: "Internal server error".to_owned(), extensions: None },
        FaultKind::Status { status: 503, body: "{}".to_owned() },
    ];
    let world = one_by_one().await;
    for kind in kinds {
        world.control.clear_faults();
        for (operation, skip) in [("AppointmentsPage", 4), ("UsersPage", 0), ("ClientMoreContacts", 1)] {
            world.control.add_fault(Fault::new(kind.clone()).on_operation(operation).skip(skip).times(2));
        }
        let run = world.full().await;
        assert_eq!(run.code, 0, "{kind:?}: {run}");
        let tried: i32 = world
            .one(
                "SELECT max(attempts) FROM sync_run_requests WHERE run_id = $1::text::uuid",
                &[&run.json()["run_id"].as_str()],
            )
            .await;
        assert_eq!(tried, 3, "{kind:?}");
    }
    assert_whole(&world).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_and_asked_again() {
    let mut world = one_by_one().await;
    world.set("GAZELLE_SYNC_TIMEOUT_SECONDS", "2");
    world.control.add_fault(Fault::new(FaultKind::Hang).on_operation("PianosPage").skip(2));
    world.full().await.success();
    assert_whole(&world).await;
}

#[tokio::test]
async fn an_entity_that_cannot_be_read_harms_no_other_and_its_children_land_when_it_is_back() {
    let world = World::new().await;
    for field in ["allPianos", "piano"] {
        world.control.add_fault(Fault::new(FaultKind::ServerError).on_field(field).forever());
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("pianos") && run.reasons().contains("HTTP 500"), "{}", run.reasons());
    assert!(run.reasons().contains("after 3 attempts"), "{}", run.reasons());
    assert_eq!(world.count("gazelle_clients").await, 40);
    assert_eq!(world.count("gazelle_pianos").await, 0);
    // Those that name a piano stay pending, since it cannot be had by its id either, and the run says how many.
    let tour = world.event_titled("Grande tournée");
    let status = format!("SELECT sync_status FROM staging_appointments WHERE external_id = '{tour}'");
    assert_eq!(world.text(&status).await.as_deref(), Some("pending"), "{run}");
    assert!(run.reasons().contains("stay pending, since they name pianos"), "{}", run.reasons());
    assert!(world.count("gazelle_appointments").await > 0, "those without a piano are there");

    world.control.clear_faults();
    world.incremental().await.success();
    assert_eq!(world.count("gazelle_pianos").await, 162);
    assert_eq!(world.count("gazelle_appointments").await, 117);
    let open: i64 = world.one("SELECT count(*) FROM sync_quarantine WHERE state = 'waiting'", &[]).await;
    assert_eq!(open, 0);
}

/// Nobody is asked for by id while the API asks for fewer requests: what names a record of the list stays pending.
#[tokio::test]
async fn a_list_that_is_put_off_has_nothing_wait_in_quarantine() {
    let world = World::new().await;
    let busy = FaultKind::TooManyRequests { retry_after_seconds: None };
    world.control.add_fault(Fault::new(busy).on_field("allPianos").forever());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    let tour = world.event_titled("Grande tournée");
    let status = format!("SELECT sync_status FROM staging_appointments WHERE external_id = '{tour}'");
    assert_eq!(world.text(&status).await.as_deref(), Some("pending"), "{run}");
    let waiting = "sync_quarantine WHERE error_code = 'missing_parent'";
    assert_eq!(world.count(waiting).await, 0, "{run}");
    world.control.clear_faults();
    world.incremental().await.success();
    assert_eq!(world.count("gazelle_appointments").await, 117);
}

/// Parents of other entities are fetched by their ids, although one list is forbidden.
#[tokio::test]
async fn an_entity_that_fails_for_good_keeps_no_parent_of_another_from_being_fetched() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
    let client =
        world.control.add(RecordKind::Client, json!({ "companyName": "Absente de la liste" })).unwrap();
    world
        .control
        .apply(Change::SetListed { kind: RecordKind::Client, id: client.clone(), times: 0 })
        .unwrap();
    (record["id"], record["client"]) = (json!("evt_neuf"), json!({ "id": client }));
    world.control.add_raw_event(record, None).unwrap();
    let forbidden = FaultKind::Status { status: 403, body: "{}".to_owned() };
    world.control.add_fault(Fault::new(forbidden).on_field("allUsers").forever());
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("users") && run.reasons().contains("HTTP 403"), "{}", run.reasons());
    assert_eq!(world.count("gazelle_appointments WHERE external_id = 'evt_neuf'").await, 1, "{run}");
}

#[tokio::test]
async fn an_api_that_fails_for_good_fails_the_run_and_says_how() {
    for (kind, words) in [
        (FaultKind::ServerError, "HTTP 500"),
        (FaultKind::BadGateway, "HTTP 502"),
        (FaultKind::HtmlOk, "web page"),
        (FaultKind::TooManyRequests { retry_after_seconds: None }, "HTTP 429"),
    ] {
        let world = World::new().await;
        world.control.add_fault(Fault::new(kind.clone()).forever());
        let run = world.full().await;
        assert_eq!(run.code, 1, "{kind:?}: {run}");
        assert_eq!(run.json()["status"], "failed", "{kind:?}");
        assert!(run.reasons().contains(words), "{kind:?}: {}", run.reasons());
        for table in crate::support::staging_tables() {
            assert_eq!(world.count(table).await, 0);
        }
        assert_eq!(world.bookmarks().await.len(), 0);
        let noted = world.text("SELECT status || ': ' || reason FROM sync_runs").await.unwrap();
        assert!(noted.starts_with("failed") && noted.contains(words), "{noted}");
        world.control.clear_faults();
        world.full().await.success();
    }
}

#[tokio::test]
async fn a_wrong_key_fails_at_once_and_names_the_setting() {
    let mut world = World::new().await;
    world.set("GAZELLE_API_KEY", "sekret-wrong-key");
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("GAZELLE_API_KEY") && run.reasons().contains("401"), "{}", run.reasons());
    assert!(!run.to_string().contains("sekret"), "{run}");
    assert!(world.control.request_counts().total <= 8, "a refusal is not asked again and again");
    assert_eq!(world.count("staging_users").await, 0);
}

#[tokio::test]
async fn a_refusal_in_the_middle_fails_the_run_and_keeps_what_came() {
    let world = one_by_one().await;
    world
        .control
        .add_fault(Fault::new(FaultKind::Unauthorized).on_operation("AppointmentsPage").skip(3).forever());
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(world.count("staging_appointments").await, 30);
    assert_eq!(bookmark(&world, "appointments").await, None);
    world.control.clear_faults();
    world.incremental().await.success();
    assert_whole(&world).await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let world = one_by_one().await;
    world.control.add_fault(
        Fault::new(FaultKind::TooManyRequests { retry_after_seconds: Some(2) })
            .on_operation("AppointmentsPage")
            .skip(2),
    );
    world.full().await.success();
    let times: Vec<jiff::Timestamp> = world
        .control
        .requests()
        .iter()
        .filter(|request| request.operation.as_deref() == Some("AppointmentsPage"))
        .map(|request| request.at.parse().unwrap())
        .collect();
    let waited = times[3].duration_since(times[2]).unsigned_abs();
    assert!((Duration::from_millis(1990)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_field_gone_from_the_api_fails_the_run_and_names_it() {
    for (type_name, field, table) in [
        ("PrivateEvent", "buffer", "staging_appointments"),
        ("PrivateContact", "role", "staging_clients"),
        ("PrivatePiano", "serialNumber", "staging_pianos"),
        ("PrivateUser", "timezone", "staging_users"),
    ] {
        let world = World::new().await;
        world.control.add_fault(
            Fault::new(FaultKind::FieldGone { type_name: type_name.to_owned(), field: field.to_owned() })
                .forever(),
        );
        let run = world.full().await;
        assert_eq!(run.code, 1, "{field}: {run}");
        assert!(run.reasons().contains(field), "{field}: {}", run.reasons());
        assert_eq!(world.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_list_that_is_suddenly_empty_is_no_success_and_deletes_nothing() {
    for (field, name) in [(EVENTS, "appointments"), ("allClients", "clients"), ("allPianos", "pianos")] {
        let world = World::new().await;
        world.full_sync_ok().await;
        let (before, bookmarks) = (world.production(&[]).await, bookmark(&world, name).await);
        world.control.add_fault(Fault::new(FaultKind::EmptyList).on_field(field).forever());
        // The clock of the API tells whole seconds.
        world.control.advance_clock(60);
        for mode in ["full", "incremental"] {
            let run = world.run(&["sync", "--mode", mode]).await;
            assert_eq!(run.code, 3, "{name} {mode}: {run}");
            assert!(
                run.reasons().contains(name) && run.reasons().contains("lists 0"),
                "{name}: {}",
                run.reasons()
            );
            assert_same(&before, &world.production(&[]).await, name);
        }
        assert_eq!(
            bookmark(&world, name).await,
            bookmarks,
            "{name}: a walk that proves nothing moves no bookmark"
        );
    }
}

#[tokio::test]
async fn no_users_at_all_where_there_were_some_is_no_success() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for user in world.control.ids(RecordKind::User) {
        world
            .control
            .apply(gazelle_sim::Change::SetListed { kind: RecordKind::User, id: user, times: 0 })
            .unwrap();
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("users"), "{}", run.reasons());
    assert_eq!(world.one::<i64>("SELECT count(*) FROM gazelle_users WHERE deleted_at IS NULL", &[]).await, 4);
}

#[tokio::test]
async fn an_empty_shop_is_a_success_at_first() {
    let world = World::with(ShopSpec::empty(), SimOptions::default()).await;
    let report = world.full_sync_ok().await;
    assert_eq!(report["fetched"], 0);
}

#[tokio::test]
async fn an_unreachable_api_fails_the_run_and_names_the_address() {
    let mut place = TestInstallation::new().await;
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    place.env.insert("GAZELLE_API_URL".to_owned(), format!("http://127.0.0.1:{port}/graphql/private"));
    place.env.insert("GAZELLE_API_KEY".to_owned(), "key".to_owned());
    let run = place.run(&["sync", "--mode", "full"]).await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains(&format!("127.0.0.1:{port}")), "{}", run.reasons());
    assert!(run.reasons().contains("GAZELLE_API_URL"), "{}", run.reasons());
    assert_eq!(run.json()["reasons"].as_array().unwrap().len(), 1, "told once: {run}");
    assert!(run.reasons().contains("users, clients, pianos, appointments: no answer"), "{run}");
    assert_eq!(run.json()["warnings"], json!([]), "{run}");
}

#[tokio::test]
async fn a_long_list_inside_a_record_that_cannot_be_read_leaves_the_record_out_rather_than_short() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[1].clone();
    world.control.edit(RecordKind::Client, &client, json!({"companyName": "Autrement"})).unwrap();
    world.control.add_fault(Fault::new(FaultKind::ServerError).on_operation("ClientMoreContacts").forever());
    let run = world.incremental().await;
    assert_eq!(run.code, 3, "{run}");
    let contacts: i64 = world
        .one(
            "SELECT count(*) FROM gazelle_contacts WHERE client_external_id = $1 AND deleted_at IS NULL",
            &[&client],
        )
        .await;
    assert_eq!(contacts, 120);
    world.control.clear_faults();
    world.incremental().await.success();
    let name =
        world.text(&format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{client}'")).await;
    assert_eq!(name.as_deref(), Some("Autrement"));
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_refused_by_name() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_MAX_RESPONSE_MB", "1");
    world
        .control
        .add_fault(Fault::new(FaultKind::Padding { bytes: 2 << 20 }).on_field("allClients").forever());
    let run = world.full().await;
    assert_ne!(run.code, 0, "{run}");
    assert!(run.reasons().contains("longer than"), "{}", run.reasons());
}
