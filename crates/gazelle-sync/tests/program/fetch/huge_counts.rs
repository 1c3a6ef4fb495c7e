//! Implausibly large counts from the API lose no record and crash nothing.

use crate::support::World;
use crate::support::oracle::assert_mirrors;
use gazelle_sim::{Fault, FaultKind};
use serde_json::json;

#[tokio::test]
async fn a_total_beyond_what_numbers_hold_leaves_the_walk_incomplete_and_loses_nothing() {
    for by in [5_000_000_000, i64::MAX] {
        let world = World::new().await;
        for operation in ["AppointmentsPage", "AppointmentsCounts", "PianosPage", "PianosCounts"] {
            world.control.add_fault(Fault::new(FaultKind::TotalOff { by }).on_operation(operation).forever());
        }
        let ran = world.full().await;
        assert_eq!(ran.code, 3, "{by}: {ran}");
        assert!(!ran.stderr.contains("panicked"), "{by}: {ran}");
        for entity in ["appointments", "pianos"] {
            let of = ran.entity(entity);
            assert_eq!(of["walk_complete"], false, "{by}: {ran}");
            assert!(of["fetched"].as_u64().unwrap() > 50, "{by}: {ran}");
        }
        assert_mirrors(&world, &[]).await;
        world.control.clear_faults();
        world.full_sync_ok().await;
    }
}

#[tokio::test]
async fn a_count_that_is_no_number_of_things_is_no_count() {
    let world = World::new().await;
    for count in ["-1", "1e30", "18446744073709551616", "-9223372036854775809", "0.5", "\"many\"", "null"] {
        let body = format!("{{\"data\":{{\"c0\":{{\"totalCount\":{count}}}}}}}");
        world.control.clear_faults();
        for operation in ["AppointmentsCounts", "PianosCounts", "ClientsCounts"] {
            let answer = FaultKind::Status { status: 200, body: body.clone() };
            world.control.add_fault(Fault::new(answer).on_operation(operation).forever());
        }
        let ran = world.full().await;
        assert_eq!(ran.code, 0, "{count}: {ran}");
        assert_eq!(ran.json()["status"], json!("success"), "{count}");
    }
    assert_mirrors(&world, &[]).await;
}
