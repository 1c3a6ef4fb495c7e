//! A list without pages, of which one record takes all along: the others land, and with all their fields.

use crate::support::World;
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes};
use serde_json::{Value, json};

/// A field of a user that may not be null fails: the API's whole list is null.
fn fails(user: &str, field: &str) -> Fault {
    let message = format!("undefined method `strip' in {field}");
    Fault::new(FaultKind::RecordFault {
        id: user.to_owned(),
        field: Some(field.to_owned()),
        message,
        takes: Takes::Record,
    })
    .forever()
}

/// Users with appointments, in the order of their ids' list.
fn users_with_events(world: &World) -> Vec<String> {
    let events = world.control.ids(RecordKind::Event);
    let named: Vec<String> = events
        .iter()
        .filter_map(|id| {
            world.control.record(RecordKind::Event, id)?["user"]["id"].as_str().map(str::to_owned)
        })
        .collect();
    world.control.ids(RecordKind::User).into_iter().filter(|id| named.contains(id)).collect()
}

async fn users(world: &World) -> Vec<Value> {
    world
        .rows("SELECT external_id, email, last_name, deleted_at FROM gazelle_users ORDER BY external_id")
        .await
}

async fn field(world: &World, user: &str, column: &str) -> Option<String> {
    world.text(&format!("SELECT {column} FROM gazelle_users WHERE external_id = '{user}'")).await
}

#[tokio::test]
async fn a_user_that_takes_the_whole_list_along_is_quarantined_alone_and_the_others_land_whole() {
    let world = World::new().await;
    let with_events = users_with_events(&world);
    let faulty = &with_events[1];
    world.control.add_fault(fails(faulty, "email"));
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.entity("users")["walk_complete"], true, "{run}");
    assert!(run.reasons().contains(&format!("{faulty} at email")), "{}", run.reasons());
    let in_production = users(&world).await;
    assert_eq!(in_production.len(), world.control.ids(RecordKind::User).len() - 1, "{in_production:?}");
    for user in with_events.iter().filter(|user| *user != faulty) {
        let expected =
            world.control.record(RecordKind::User, user).unwrap()["email"].as_str().unwrap().to_owned();
        assert_eq!(field(&world, user, "email").await, Some(expected));
    }
    // Only what names this user waits.
    let waiting =
        world.rows("SELECT DISTINCT waits_for_id FROM sync_quarantine WHERE state = 'waiting'").await;
    assert_eq!(waiting, [json!({"waits_for_id": faulty})]);
    let case =
        world.quarantine().await.into_iter().find(|case| case["external_id"] == json!(faulty)).unwrap();
    assert_eq!(
        (&case["error_code"], &case["error_field"]),
        (&json!("incomplete_at_source"), &json!("email"))
    );

    // The same again adds nothing.
    let versions = world.count("staging_users").await;
    assert_eq!(world.incremental().await.code, 3);
    assert_eq!(world.count("staging_users").await, versions);

    world.control.clear_faults();
    world.incremental().await.success();
    assert_eq!(users(&world).await.len(), world.control.ids(RecordKind::User).len());
    assert_eq!(
        world.one::<i64>("SELECT count(*) FROM sync_quarantine WHERE state = 'waiting'", &[]).await,
        0
    );
}

#[tokio::test]
async fn the_list_is_read_around_a_failing_user_and_changes_of_the_others_arrive() {
    let world = World::new().await;
    let idle = world
        .control
        .add(RecordKind::User, json!({"firstName": "Ida", "lastName": "Idle", "email": "ida@example.org"}))
        .unwrap();
    world.full_sync_ok().await;
    let with_events = users_with_events(&world);
    let (faulty, changed) = (&with_events[0], &with_events[1]);
    let before = field(&world, faulty, "email").await;
    world.control.add_fault(fails(faulty, "email"));
    world.control.add_fault(fails(faulty, "timezone"));
    world
        .control
        .edit(RecordKind::User, changed, json!({"lastName": "Neuf", "email": "neuf@example.org"}))
        .unwrap();
    let new = world
        .control
        .add(RecordKind::User, json!({"firstName": "Nora", "lastName": "New", "email": "nora@example.org"}))
        .unwrap();
    for _ in 0..2 {
        let run = world.full().await;
        assert_eq!(run.code, 3, "{run}");
        assert_eq!(field(&world, changed, "email").await.as_deref(), Some("neuf@example.org"));
        assert_eq!(field(&world, changed, "last_name").await.as_deref(), Some("Neuf"));
        // Production keeps the last whole version, of the failing user and of one that nothing else holds.
        assert_eq!(field(&world, faulty, "email").await, before);
        assert_eq!(field(&world, &idle, "email").await.as_deref(), Some("ida@example.org"));
        assert!(run.reasons().contains(&idle) && run.reasons().contains("email"), "{}", run.reasons());
        // One that was never seen lands without the field, since it is needed.
        assert_eq!(field(&world, &new, "last_name").await.as_deref(), Some("New"));
        assert_eq!(field(&world, &new, "email").await, None);
        assert!(users(&world).await.iter().all(|user| user["deleted_at"] == Value::Null));
    }
    world.control.clear_faults();
    world.incremental().await.success();
    assert_eq!(field(&world, &new, "email").await.as_deref(), Some("nora@example.org"));
}

#[tokio::test]
async fn a_user_at_whom_the_api_does_not_fail_lands_whatever_it_does_to_most() {
    let world = World::new().await;
    let users = world.control.ids(RecordKind::User);
    let good = users_with_events(&world)[0].clone();
    for user in users.iter().filter(|user| **user != good) {
        world.control.add_fault(fails(user, "email"));
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    let expected =
        world.control.record(RecordKind::User, &good).unwrap()["email"].as_str().unwrap().to_owned();
    assert_eq!(field(&world, &good, "email").await, Some(expected), "{run}");
    assert_eq!(run.entity("users")["walk_complete"], false, "{run}");
    assert!(run.reasons().contains("fails at 3 of 4 records"), "{}", run.reasons());
    assert_eq!(world.count("gazelle_users").await, 1);
    let of_users = |case: &Value| case["entity"] == "users" && case["state"] == "open";
    assert_eq!(world.quarantine().await.iter().filter(|case| of_users(case)).count(), 0, "{run}");
}

#[tokio::test]
async fn a_list_that_fails_at_most_users_or_at_their_ids_blames_none() {
    for of_all in [true, false] {
        let world = World::new().await;
        let users = world.control.ids(RecordKind::User);
        let failing = if of_all { users.as_slice() } else { &users[..1] };
        for user in failing {
            world.control.add_fault(fails(user, if of_all { "email" } else { "id" }));
        }
        let run = world.full().await;
        assert_ne!(run.code, 0, "{run}");
        assert_eq!(
            world.quarantine().await.iter().filter(|case| case["entity"] == "users").count(),
            0,
            "{run}"
        );
        assert!(run.reasons().contains("users: "), "{}", run.reasons());
    }
}

/// Such a user is known by its place in a list that is then asked for again without the field.
#[tokio::test]
async fn a_list_whose_order_changes_between_two_requests_blames_no_other_user() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    // Nothing else holds them: no appointment names them.
    let [before, faulty, after] = ["Anne", "Béa", "Cléo"].map(|name| {
        let user = json!({"firstName": name, "lastName": "Idle", "email": "idle@example.org"});
        world.control.add(RecordKind::User, user).unwrap()
    });
    world.control.add_fault(fails(&faulty, "email"));
    // The first list has failed, and the next one is shorter by the user before.
    let gone = Change::Delete { kind: RecordKind::User, id: before.clone(), keep_references: false };
    world
        .control
        .add_fault(Fault::new(FaultKind::ChangeAfter { changes: vec![gone] }).on_operation("UsersPage"));
    let blamed = async |run: &crate::support::CommandOutput| -> Vec<String> {
        let cases = world.quarantine().await;
        let of_users = cases.iter().filter(|case| case["error_code"] == "incomplete_at_source");
        let ids = of_users.map(|case| case["external_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(run.entity("users")["walk_complete"], true, "{run}");
        ids
    };
    let run = world.full().await;
    assert!(world.control.record(RecordKind::User, &before).is_none(), "the list has changed");
    assert_eq!(blamed(&run).await, Vec::<String>::new(), "{run}");
    for user in [&faulty, &after] {
        assert!(run.reasons().contains(user.as_str()), "said to be stored without: {}", run.reasons());
        assert_eq!(field(&world, user, "last_name").await.as_deref(), Some("Idle"));
    }
    // When it holds still, the right one is named.
    let run = world.full().await;
    assert_eq!(blamed(&run).await, [faulty]);
}

/// The API fails wherever one user is asked for, or one field of hers, and names nobody, or only her place.
#[tokio::test]
async fn a_user_at_whom_the_whole_answer_fails_keeps_out_only_what_names_her() {
    for (field, takes) in [(Some("email"), Takes::Server), (None, Takes::Server), (None, Takes::Record)] {
        let world = World::new().await;
        let with_events = users_with_events(&world);
        let faulty = &with_events[0];
        let kind = FaultKind::RecordFault {
            id: faulty.clone(),
            field: field.map(str::to_owned),
            message: "undefined method `strip'".to_owned(),
            takes,
        };
        let fault = Fault::new(kind).forever();
        match field {
            Some(_) => drop(world.control.add_fault(fault)),
            // Appointments name her by her id, and come.
            None => {
                world.control.add_fault(fault.clone().on_field("allUsers"));
                world.control.add_fault(fault.on_operation("UserThroughAppointment"));
            }
        }
        let run = world.full().await;
        assert_eq!(run.code, 3, "{field:?} {takes:?}: {run}");
        let in_production: Vec<String> =
            users(&world).await.iter().map(|user| user["external_id"].as_str().unwrap().to_owned()).collect();
        let expected: Vec<String> = with_events.iter().filter(|user| *user != faulty).cloned().collect();
        assert!(expected.iter().all(|user| in_production.contains(user)), "{in_production:?}: {run}");
        assert!(!in_production.contains(faulty), "{run}");
        for user in &expected {
            let email =
                world.control.record(RecordKind::User, user).unwrap()["email"].as_str().unwrap().to_owned();
            assert_eq!(email_of(&world, user).await, Some(email), "{field:?} {takes:?}: {run}");
        }
        // Only what names her waits, and the run says how much.
        assert_eq!(world.count("staging_appointments WHERE sync_status = 'pending'").await, 0, "{run}");
        let waiting =
            "SELECT waits_for_id, count(*)::int AS n FROM sync_quarantine WHERE state = 'waiting' GROUP BY 1";
        let waiting = world.rows(waiting).await;
        assert!(waiting.len() == 1 && waiting[0]["waits_for_id"] == json!(faulty), "{waiting:?}: {run}");
        let said = format!("{} record(s)", waiting[0]["n"]);
        assert!(
            run.reasons().lines().any(|reason| reason.contains(&said) && reason.contains("wait")),
            "{said}: {run}"
        );
        assert!(world.count("gazelle_appointments").await > 20, "{run}");

        world.control.clear_faults();
        world.incremental().await.success();
        assert_eq!(world.count("gazelle_appointments").await, 117);
        assert_eq!(users(&world).await.len(), world.control.ids(RecordKind::User).len());
    }
}

async fn email_of(world: &World, user: &str) -> Option<String> {
    field(world, user, "email").await
}

/// The list fails at one of them wherever a field is asked for, so that it is read field by field; then the API asks for
/// fewer requests.
#[tokio::test]
async fn a_list_that_is_throttled_while_it_is_divided_is_told_as_throttled_and_not_divided_further() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    let kind = FaultKind::RecordFault {
        id: users_with_events(&world)[0].clone(),
        field: Some("email".to_owned()),
        message: "undefined method `strip'".to_owned(),
        takes: Takes::Server,
    };
    world.control.add_fault(Fault::new(kind).forever());
    let busy = FaultKind::TooManyRequests { retry_after_seconds: None };
    world.control.add_fault(Fault::new(busy).on_field("allUsers").skip(3).forever());

    let run = world.run(&["sync", "--mode", "full", "--entity", "users"]).await;

    assert!(run.reasons().contains("users: ") && run.reasons().contains("HTTP 429"), "{}", run.reasons());
    assert!(!run.reasons().contains("cannot be read with"), "no field is to blame: {}", run.reasons());
    assert_eq!(world.count("staging_users").await, 0, "none is stored without its fields: {run}");
    let of_list =
        |request: &&gazelle_sim::RequestEntry| request.root_fields.iter().any(|field| field == "allUsers");
    let asked = world.control.requests().iter().filter(of_list).count();
    assert!(asked <= 6, "it is asked no more: {asked}");

    world.control.clear_faults();
    world.full().await.success();
    assert_eq!(users(&world).await.len(), world.control.ids(RecordKind::User).len());
}

/// Two users are given by the appointments that name them, and then the API fails at all of these.
#[tokio::test]
async fn an_api_that_begins_to_fail_between_two_users_blames_none_of_them() {
    for outage in [FaultKind::BadGateway, FaultKind::ServerError] {
        let world = World::new().await;
        let with_events = users_with_events(&world);
        let kind = FaultKind::RecordFault {
            id: with_events[0].clone(),
            field: Some("email".to_owned()),
            message: "undefined method `strip'".to_owned(),
            takes: Takes::Server,
        };
        world.control.add_fault(Fault::new(kind).on_field("allUsers").forever());
        world.control.add_fault(Fault::new(outage).on_operation("UserInEvents").skip(2).forever());

        let run = world.full().await;

        assert_eq!(run.code, 3, "{run}");
        let blamed = "sync_quarantine WHERE entity = 'users' AND state = 'open'";
        assert_eq!(world.count(blamed).await, 0, "{:?}: {run}", world.quarantine().await);
        assert_eq!(users(&world).await.len(), world.control.ids(RecordKind::User).len(), "{run}");
        assert!(run.reasons().contains("stored without"), "{}", run.reasons());

        world.control.clear_faults();
        world.incremental().await.success();
        assert!(users(&world).await.iter().all(|user| user["email"].is_string()), "all fields are there");
    }
}
