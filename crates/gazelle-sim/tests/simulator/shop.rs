//! What the generated shops hold.

use std::collections::HashSet;

use crate::support::{Shop, small, start, start_with, text};
use gazelle_sim::{RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

fn everything(shop: &Shop) -> Vec<Value> {
    RecordKind::ALL
        .into_iter()
        .flat_map(|kind| shop.control.ids(kind).into_iter().map(move |id| (kind, id)))
        .map(|(kind, id)| shop.control.record(kind, &id).unwrap())
        .collect()
}

#[tokio::test]
async fn the_same_recipe_gives_the_same_shop_and_another_seed_another() {
    let (one, same) = (start().await, start().await);
    assert_eq!(everything(&one), everything(&same));
    let other = start_with(ShopSpec { seed: 8, ..small() }, SimOptions::default()).await;
    assert_ne!(everything(&one), everything(&other));
}

#[tokio::test]
async fn the_default_shop_has_the_size_of_a_real_one() {
    let spec = ShopSpec { today: "2026-01-15".to_owned(), ..ShopSpec::default_shop(1) };
    let shop = start_with(spec, SimOptions::default()).await;
    assert_eq!(shop.total("allClients", "").await, 4_010);
    assert_eq!(shop.total("allPianos", "").await, 1_031);
    assert_eq!(shop.total("allEventsBatched", "").await, 11_460);
    let users = shop.data("{ allUsers { id email timezone status } }", json!({})).await;
    assert_eq!(users["allUsers"].as_array().unwrap().len(), 4);
    let live = shop.total("allEventsBatched", r#", filters: { dateGet: "2026-01-08" }"#).await;
    assert!((1_000..1_300).contains(&live), "{live} events from a week back on");
    let without_serial = shop
        .control
        .ids(RecordKind::Piano)
        .iter()
        .filter(|id| shop.control.record(RecordKind::Piano, id).unwrap().get("serialNumber").is_none())
        .count();
    assert!((90..180).contains(&without_serial), "{without_serial} pianos without a serial number");
}

#[tokio::test]
async fn the_spec_s_two_appointments_are_there() {
    let shop = start().await;
    for (title, start) in [("avant 8h", "2026-01-09T12:00:00Z"), ("à 18h", "2026-01-09T23:00:00Z")] {
        let id = shop.event_titled(title);
        let data = shop
            .data("query($id: String!) { event(eventId: $id) { start title } }", json!({ "id": id }))
            .await;
        assert_eq!(data["event"]["start"], start);
        assert_eq!(data["event"]["title"], format!("Tire le Coyote {title}"));
    }
}

#[tokio::test]
async fn the_small_shop_has_every_oddity() {
    let shop = start().await;
    let events: Vec<Value> = shop
        .control
        .ids(RecordKind::Event)
        .iter()
        .map(|id| shop.control.record(RecordKind::Event, id).unwrap())
        .collect();
    assert_eq!(events.len(), 120);
    let count = |check: &dyn Fn(&Value) -> bool| events.iter().filter(|event| check(event)).count();
    assert_eq!(count(&|event| event.get("start").is_none()), 3);
    assert_eq!(count(&|event| event["allEventPianos"].as_array().is_some_and(|list| list.len() == 137)), 1);
    assert_eq!(count(&|event| event["notes"].as_str().is_some_and(|text| text.contains('\0'))), 1);
    assert!(count(&|event| event["isAllDay"] == true) >= 4);
    assert!(count(&|event| event["duration"].as_i64().unwrap() > 1_440) >= 2);
    assert_eq!(count(&|event| event.get("recurrenceId").is_some()), 6);
    assert!(count(&|event| event.get("client").is_none() && event["type"] == "APPOINTMENT") > 3);
    let pairs: HashSet<(String, String)> =
        events.iter().map(|event| (text(&event["type"]), text(&event["status"]))).collect();
    assert_eq!(pairs.len(), 16, "every type with every status");
    // 20:30 in Toronto is 01:30 (winter) UTC of the next day.
    assert!(count(&|event| event["start"].as_str().is_some_and(|start| start.ends_with("T01:30:00Z"))) >= 6);
    // The doubled hour of the autumn night of 2025: both its 01:30s.
    for start in ["2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z"] {
        assert_eq!(count(&|event| event["start"] == start), 1, "{start}");
    }
}

#[tokio::test]
async fn every_reference_leads_to_a_record() {
    let shop = start().await;
    let known: HashSet<String> =
        RecordKind::ALL.into_iter().flat_map(|kind| shop.control.ids(kind)).collect();
    let mut seen = 0;
    for record in everything(&shop) {
        let pianos = record["allEventPianos"].as_array().cloned().unwrap_or_default();
        let pianos = pianos.into_iter().map(|item| item["piano"].clone());
        let singles = ["client", "user", "createdBy", "preferredTechnician"].map(|name| record[name].clone());
        for reference in pianos.chain(singles).filter(|value| !value.is_null()) {
            seen += 1;
            assert!(known.contains(&text(&reference["id"])), "{reference} in {record}");
        }
    }
    assert!(seen > 500, "only {seen} references");
}

#[tokio::test]
async fn an_empty_shop_is_empty() {
    let shop = start_with(ShopSpec::empty(), SimOptions::default()).await;
    for field in
        ["allClients", "allPianos", "allEventsBatched", "allInvoices", "allEstimates", "allTimelineEntries"]
    {
        assert_eq!(shop.total(field, "").await, 0, "{field}");
    }
}

#[tokio::test]
async fn a_today_that_is_no_date_is_refused() {
    let spec = ShopSpec { today: "tomorrow".to_owned(), ..ShopSpec::small(1) };
    let refused =
        gazelle_sim::Simulator::start(spec, SimOptions::default(), ([127, 0, 0, 1], 0).into()).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(std::io::ErrorKind::InvalidInput));
}

#[tokio::test]
async fn books_are_made_when_asked_for() {
    let spec = ShopSpec { invoices: 30, timeline_entries: 70, ..small() };
    let shop = start_with(spec, SimOptions::default()).await;
    let selection = "id createdAt status client { id } assignedTo { id } subTotal total tags";
    let (invoices, total) = shop.walk("allInvoices", "", selection, 20).await;
    assert_eq!((invoices.len(), total), (30, 30));
    let selection = "id occurredAt type client { id } piano { id } user { id } summary comment";
    let (entries, total) = shop.walk("allTimelineEntries", "", selection, 20).await;
    assert_eq!((entries.len(), total), (70, 70));
}
