//! What Search finds, and that what is looked for is written nowhere.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use super::dashboard_records::shown;
use crate::support::World;
use crate::support::service::Serving;

/// The ids of what a question finds in a group.
async fn found(serving: &Serving, q: &str, group: &str) -> Vec<String> {
    let mut url = url::Url::parse(&format!("{}/app/search.json", serving.base)).unwrap();
    url.query_pairs_mut().append_pair("q", q);
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let document: Value = serving.document(&path).await;
    let rows = document[group].as_array().unwrap_or_else(|| panic!("{q}: {document}"));
    rows.iter().map(|row| row["external_id"].as_str().unwrap().to_owned()).collect()
}

/// Where a request is led.
async fn redirect_target(serving: &Serving, q: &str) -> Option<String> {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let answer =
        builder.build().unwrap().get(format!("{}/app/search?q={q}", serving.base)).send().await.unwrap();
    answer.headers().get("location").map(|address| address.to_str().unwrap().to_owned())
}

/// A shop with one client that is easily found, and a piano of theirs.
async fn world() -> (World, String) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[0].clone();
    for (table, id, set) in [
        ("gazelle_clients", "external_id", "company_name = 'Salle des Érables'"),
        (
            "gazelle_contacts",
            "client_external_id",
            "first_name = 'Loïc', last_name = 'Tabledharmonie', phone = '+1 514-555-0142', email = 'loic_x@example.org'",
        ),
        (
            "gazelle_locations",
            "client_external_id",
            "address_line1 = '2348 av. des Trois-Marteaux', city = 'Montréal'",
        ),
    ] {
        world.execute(&format!("UPDATE {table} SET {set} WHERE {id} = '{client}'")).await;
    }
    (world, client)
}

#[tokio::test]
async fn names_are_found_without_accents_numbers_by_their_digits_and_ids_at_once() {
    let (mut world, client) = world().await;
    let contact: String = world
        .one("SELECT min(external_id) FROM gazelle_contacts WHERE client_external_id = $1", &[&client])
        .await;
    let (piano, serial): (String, String) = {
        let row = "SELECT external_id FROM gazelle_pianos WHERE length(serial_number) > 4 ORDER BY external_id LIMIT 1";
        let id = world.text(row).await.unwrap();
        let serial =
            world.text(&format!("SELECT serial_number FROM gazelle_pianos WHERE external_id = '{id}'")).await;
        (id, serial.unwrap())
    };
    let event = world.upcoming(0);
    world
        .execute(&format!(
            "UPDATE gazelle_appointments SET title = 'Accord du Conservatoire' WHERE external_id = '{event}'"
        ))
        .await;
    let serving = shown(&mut world).await;
    for (q, group, id) in [
        ("erables", "clients", &client),
        ("ÉRABLES salle", "clients", &client),
        ("tabledharmonie loic", "contacts", &contact),
        ("514.555.0142", "contacts", &contact),
        ("(514) 555 0142", "contacts", &contact),
        ("LOIC_X@", "contacts", &contact),
        (serial.as_str(), "pianos", &piano),
        ("conservatoire", "appointments", &event),
    ] {
        assert!(found(&serving, q, group).await.contains(id), "{q}");
    }
    let addresses = found(&serving, "trois-marteaux montreal", "addresses").await;
    assert!(!addresses.is_empty());
    for q in ["100%", "loic_x_", "zzzzzz", "\\"] {
        assert_eq!(found(&serving, q, "contacts").await, Vec::<String>::new(), "{q}");
    }
    assert_eq!(redirect_target(&serving, &client).await, Some(format!("/app/records/clients/{client}")));
    assert_eq!(
        redirect_target(&serving, &contact).await,
        Some(format!("/app/records/clients/{client}#row-{contact}"))
    );
    assert_eq!(redirect_target(&serving, "erables").await, None);
    let (_, body) = serving.get("/app/search?q=erables").await;
    assert!(body.contains("Salle des <mark>Érables</mark>"), "{body}");
    let (_, body) = serving.get("/app/search?q=x").await;
    assert!(body.contains("Two letters at least."), "{body}");
    let (_, body) = serving.get("/app/search?q=zzzzzz").await;
    assert!(body.contains("Nothing was found for this."), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn what_is_gone_or_in_quarantine_is_found_and_says_so_and_old_appointments_on_request() {
    let (mut world, client) = world().await;
    let gone = world.upcoming(0);
    world.execute(&format!("UPDATE gazelle_appointments SET title = 'Zibeline un', deleted_at = now() WHERE external_id = '{gone}'")).await;
    let old = world.upcoming(1);
    world
        .execute(&format!("UPDATE gazelle_appointments SET title = 'Zibeline deux', appointment_date = '2011-01-09' WHERE external_id = '{old}'"))
        .await;
    world
        .stage(
            "staging_appointments",
            "evt_held",
            &json!({ "id": "evt_held", "title": "Zibéline trois", "client": { "id": client } }),
            None,
        )
        .await;
    world.run(&["reconcile"]).await;
    let serving = shown(&mut world).await;
    let (_, body) = serving.get("/app/search?q=zibeline").await;
    assert!(
        body.contains("<mark>Zibeline</mark> un") && body.contains("<mark>Zibéline</mark> trois"),
        "{body}"
    );
    assert!(body.contains("> gone<") && body.contains("> in quarantine<"), "{body}");
    assert!(!body.contains("</mark> deux"), "{body}");
    let (_, body) = serving.get("/app/search?q=zibeline&any=1").await;
    assert!(body.contains("</mark> deux"), "{body}");
    // The names of fields are no text of the record.
    assert_eq!(serving.document("/app/search.json?q=title").await["held"], json!([]));
    assert_eq!(
        redirect_target(&serving, "evt_held").await.as_deref(),
        Some("/app/records/appointments/evt_held")
    );
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn what_is_looked_for_is_written_nowhere() {
    let (mut world, _) = world().await;
    world.set("GAZELLE_SYNC_LOG", "trace");
    let serving = shown(&mut world).await;
    for q in ["Tabledharmonie", "5145550142", "sapristi"] {
        assert_eq!(serving.get(&format!("/app/search?q={q}")).await.0, 200);
    }
    let (_, metrics) = serving.get("/metrics").await;
    let ended = serving.stop().await;
    for secret in ["Tabledharmonie", "tabledharmonie", "5145550142", "sapristi"] {
        assert!(!ended.log.contains(secret), "{}", ended.log);
        assert!(!metrics.contains(secret));
    }
    assert!(ended.log.contains("the database is open"), "{}", ended.log);
}
