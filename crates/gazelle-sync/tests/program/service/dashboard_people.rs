//! Who may see what in the dashboard: each route as nobody and as each role, and what people do to people.

use gazelle_sync::dashboard::{RouteAccess, routes};
use gazelle_sync::states::Role;
use serde_json::json;

use crate::support::World;
use crate::support::people::{Caller, PASSPHRASE, PageResponse, invited, signed_in};
use crate::support::service::{Serving, until};

/// Every route, and from which role on it answers: 0 nobody, 1 technician, 2 office, 3 operator. A route that is missing here, or
/// here alone, fails the test.
const MATRIX: [(&str, &str, usize); 65] = [
    ("GET", "/app/assets/{hash}/{name}", 0),
    ("GET", "/feed/{file}", 0),
    ("GET", "/app/sign-in", 0),
    ("POST", "/app/sign-in", 0),
    ("GET", "/app/enter/{link}", 0),
    ("POST", "/app/enter/{link}", 0),
    ("POST", "/app/language", 0),
    ("POST", "/app/sign-out", 1),
    ("GET", "/app/me", 1),
    ("POST", "/app/me/live", 1),
    ("POST", "/app/me/sign-out", 1),
    ("GET", "/app/live", 1),
    ("GET", "/app", 1),
    ("GET", "/app/today", 1),
    ("GET", "/app/today.json", 1),
    ("GET", "/app/changes", 1),
    ("GET", "/app/changes.json", 1),
    ("GET", "/app/feeds", 1),
    ("GET", "/app/feeds.json", 1),
    ("POST", "/app/feeds", 1),
    ("POST", "/app/feeds/{id}/revoke", 1),
    ("GET", "/app/", 2),
    ("GET", "/app/overview.json", 2),
    ("GET", "/app/runs", 2),
    ("GET", "/app/runs.json", 2),
    ("GET", "/app/latency", 2),
    ("GET", "/app/latency.json", 2),
    ("GET", "/app/runs/{run}", 2),
    ("GET", "/app/records/{entity}/{id}", 2),
    ("GET", "/app/quarantine", 2),
    ("GET", "/app/quarantine.json", 2),
    ("GET", "/app/quarantine/{staging_id}", 2),
    ("GET", "/app/deletions", 2),
    ("GET", "/app/deletions.json", 2),
    ("GET", "/app/deletions/{run}", 2),
    ("POST", "/app/deletions/{run}/confirm", 3),
    ("GET", "/app/search", 2),
    ("GET", "/app/search.json", 2),
    ("GET", "/app/people", 3),
    ("GET", "/app/people.json", 3),
    ("POST", "/app/people", 3),
    ("GET", "/app/people/{id}", 3),
    ("POST", "/app/people/{id}/role", 3),
    ("POST", "/app/people/{id}/link", 3),
    ("POST", "/app/people/{id}/disable", 3),
    ("POST", "/app/people/{id}/sign-out", 3),
    ("GET", "/app/settings", 3),
    ("GET", "/app/settings.json", 3),
    ("GET", "/app/doctor", 3),
    ("GET", "/app/doctor.json", 3),
    ("POST", "/app/actions/doctor", 3),
    ("GET", "/app/actions", 2),
    ("GET", "/app/actions.json", 2),
    ("GET", "/app/actions/{id}", 2),
    ("POST", "/app/actions/{id}/apply", 3),
    ("POST", "/app/actions/sync", 2),
    ("POST", "/app/actions/retry", 2),
    ("POST", "/app/actions/dismiss", 2),
    ("POST", "/app/actions/decide", 3),
    ("POST", "/app/actions/verify", 3),
    ("POST", "/app/actions/replay", 3),
    ("POST", "/app/actions/undo", 3),
    ("POST", "/app/actions/lift", 3),
    ("GET", "/app/{*rest}", 1),
    ("POST", "/app/{*rest}", 1),
];

/// The technician with the most visits, and another one.
async fn technicians(world: &World) -> (String, String) {
    let rows = world
        .rows(
            "SELECT technician_external_id AS id FROM v_appointments_montreal WHERE technician_external_id IS NOT NULL
              GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2",
        )
        .await;
    let id = |at: usize| rows[at]["id"].as_str().unwrap().to_owned();
    (id(0), id(1))
}

fn was_let_in(said: &PageResponse) -> bool {
    let signs_in =
        said.status == 401 || said.status == 303 && said.location().starts_with("/app/sign-in?next=");
    let not_for_role = said.status == 403 && said.body.contains("not for your role");
    let refused_document = said.status == 403 && said.body.contains("Ask an operator");
    !signs_in && !not_for_role && !refused_document
}

#[tokio::test]
async fn each_route_answers_from_its_least_role_on_and_to_nobody_else() {
    let world = World::unscheduled().await;
    let (own, _) = technicians(&world).await;
    let serving = Serving::start(&world, &[]).await;
    let mut callers = vec![(Caller::of(&serving), "")];
    let names = ["Technicienne Exemple", "Bureau Exemple", "Opératrice Exemple"];
    let roles = [
        vec!["--role", "technician", "--technician", own.as_str()],
        vec!["--role", "office"],
        vec!["--role", "operator"],
    ];
    for (name, role) in names.iter().zip(&roles) {
        callers.push((signed_in(&world, &serving, name, role).await, *name));
    }
    let listed: Vec<(&str, &str)> = routes().iter().map(|route| (route.method, route.path)).collect();
    let expected: Vec<(&str, &str)> = MATRIX.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(listed, expected, "each route is in the table and asked here");
    for (route, (method, path, least)) in routes().iter().zip(MATRIX) {
        let of_table = match route.access {
            RouteAccess::File | RouteAccess::Link | RouteAccess::Anyone => 0,
            RouteAccess::Role(Role::Technician) => 1,
            RouteAccess::Role(Role::Office) => 2,
            RouteAccess::Role(Role::Operator) => 3,
        };
        assert_eq!(of_table, least, "{method} {path}");
        let address = path
            .replace("{hash}/{name}", "0/none.css")
            .replace("{link}", &"A".repeat(43))
            .replace("{file}", &format!("{}.ics", "A".repeat(43)))
            .replace("{run}", "01930000-0000-7000-8000-000000000001")
            .replace("{id}", "01930000-0000-7000-8000-000000000001")
            .replace("{entity}", "clients")
            .replace("{staging_id}", "01930000-0000-7000-8000-000000000001")
            .replace("{*rest}", "nothing/here");
        for (at, (caller, name)) in callers.iter_mut().enumerate() {
            let said = match method {
                "GET" => caller.get(&address).await,
                _ => caller.post(&address, &[]).await,
            };
            let what = format!("{method} {address} as {at}: {said:?}");
            assert_eq!(was_let_in(&said), at >= least, "{what}");
            assert!(said.status < 500, "{what}");
            assert_eq!(said.header("x-content-type-options"), "nosniff", "{what}");
            assert!(said.header("content-security-policy").starts_with("default-src 'none'"), "{what}");
            if !name.is_empty() && path.ends_with("sign-out") && !path.contains("{id}") {
                assert_eq!(caller.sign_in(name).await.status, 303, "{what}");
            }
        }
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_technician_gets_the_own_day_and_nobody_elses() {
    let world = World::unscheduled().await;
    let (own, other) = technicians(&world).await;
    let serving = Serving::start(&world, &[]).await;
    let role = ["--role", "technician", "--technician", &own];
    let caller = signed_in(&world, &serving, "Technicienne Exemple", &role).await;
    assert_eq!(caller.get("/app").await.location(), "/app/today");
    let day = world
        .text(&format!(
            "SELECT date_montreal::text FROM v_appointments_montreal
              WHERE technician_external_id IN ('{own}', '{other}')
              GROUP BY 1 HAVING count(DISTINCT technician_external_id) = 2 ORDER BY 1 LIMIT 1"
        ))
        .await
        .expect("a day with both");
    for query in
        [format!("day={day}"), format!("day={day}&technician="), format!("day={day}&technician={own}")]
    {
        let said = caller.get(&format!("/app/today.json?{query}")).await;
        let today: serde_json::Value = serde_json::from_str(&said.body).unwrap();
        let visits = today["visits"].as_array().unwrap();
        assert!(
            !visits.is_empty() && visits.iter().all(|visit| visit["technician_id"] == own.as_str()),
            "{said:?}"
        );
        assert!(!said.body.contains(&other), "{query}: {said:?}");
    }
    for path in ["/app/today", "/app/today.json"] {
        let said = caller.get(&format!("{path}?day={day}&technician={other}")).await;
        assert_eq!(said.status, 403, "{said:?}");
        assert!(!said.body.contains("visit"), "{said:?}");
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn an_operator_invites_changes_and_disables_others_and_not_the_own_account() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    // A link is shown once, and only its hash is stored.
    let form = [("name", "Élise <b>Exemple</b>"), ("role", "office"), ("technician", ""), ("language", "fr")];
    let said = operator.post("/app/people", &form).await;
    assert_eq!(said.status, 200, "{said:?}");
    let link = said.body.split("value=\"").find(|text| text.contains("/app/enter/")).unwrap();
    let link = link.split('"').next().unwrap().to_owned();
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    let token = link.rsplit('/').next().unwrap();
    assert!(!operator.get("/app/people").await.body.contains(token));
    let stored = world.text("SELECT string_agg(p::text, ' ') FROM sync_people p").await.unwrap();
    assert!(!stored.contains(token) && !stored.contains(PASSPHRASE), "{stored}");
    let mut invited = Caller::of(&serving);
    assert!(invited.get(&link[link.find("/app").unwrap()..]).await.body.contains("lang=\"fr-CA\""));
    assert_eq!(invited.enter(&link).await.location(), "/app/");
    assert_eq!(invited.get("/app/runs").await.status, 200);
    let id = world.text("SELECT id::text FROM sync_people WHERE role = 'office'").await.unwrap();
    let own = world.text("SELECT id::text FROM sync_people WHERE role = 'operator'").await.unwrap();
    // Another role is another session.
    let said = operator.post(&format!("/app/people/{id}/role"), &[("role", "operator")]).await;
    assert_eq!(said.status, 303, "{said:?}");
    assert_eq!(invited.get("/app/runs").await.status, 303, "signed out by the change");
    let said = operator.post(&format!("/app/people/{id}/role"), &[("role", "technician")]).await;
    assert_eq!(said.status, 422, "a technician has an id: {said:?}");
    for (action, form) in [("role", &[("role", "office")][..]), ("disable", &[])] {
        let said = operator.post(&format!("/app/people/{own}/{action}"), form).await;
        assert_eq!(said.status, 422, "{action}: {said:?}");
    }
    assert_eq!(operator.get("/app/people").await.status, 200, "still an operator");
    // Disabled: out at once, and no way in.
    let mut again = Caller::of(&serving);
    assert_eq!(again.sign_in("élise <b>exemple</b>").await.status, 303);
    assert_eq!(operator.post(&format!("/app/people/{id}/disable"), &[]).await.status, 303);
    assert_eq!(again.get("/app/").await.status, 303);
    again.cookie = None;
    assert_eq!(again.sign_in("Élise <b>Exemple</b>").await.status, 403);
    let people = operator.get("/app/people").await.body;
    assert!(!people.contains("<b>Exemple"), "a name is text");
    // A new link enables again.
    let said = operator.post(&format!("/app/people/{id}/link"), &[]).await;
    assert_eq!(said.status, 200);
    assert_eq!(
        world.text(&format!("SELECT (disabled_at IS NULL)::text FROM sync_people WHERE id = '{id}'")).await,
        Some("true".to_owned())
    );
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_form_that_invites_changes_nobody_who_is_there() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let office = signed_in(&world, &serving, "Bureau Exemple", &["--role", "office"]).await;
    let before = world.table("sync_people", &[]).await;
    for (name, role) in
        [("bureau  EXEMPLE", "technician"), ("Opératrice Exemple", "office"), ("Bureau Exemple", "office")]
    {
        let (own, _) = technicians(&world).await;
        let form = [("name", name), ("role", role), ("technician", own.as_str())];
        let said = operator.post("/app/people", &form).await;
        assert_eq!(said.status, 422, "{name}: {said:?}");
        let id = world
            .text(&format!(
                "SELECT id::text FROM sync_people WHERE name_key = lower('{}')",
                name.replace("  ", " ")
            ))
            .await
            .unwrap();
        assert!(said.body.contains(&format!("href=\"/app/people/{id}\"")), "{said:?}");
    }
    assert_eq!(world.table("sync_people", &[]).await, before);
    assert_eq!((operator.get("/app/people").await.status, office.get("/app/runs").await.status), (200, 200));
    // One who was disabled is enabled on the person's page alone.
    let id = world.text("SELECT id::text FROM sync_people WHERE role = 'office'").await.unwrap();
    assert_eq!(operator.post(&format!("/app/people/{id}/disable"), &[]).await.status, 303);
    assert_eq!(
        operator.post("/app/people", &[("name", "Bureau Exemple"), ("role", "office")]).await.status,
        422
    );
    assert_eq!(
        world.text("SELECT (disabled_at IS NULL)::text FROM sync_people WHERE role = 'office'").await,
        Some("false".to_owned())
    );
    // A link for oneself changes nothing but the sessions.
    let own = world.text("SELECT id::text FROM sync_people WHERE role = 'operator'").await.unwrap();
    assert_eq!(operator.post(&format!("/app/people/{own}/link"), &[]).await.status, 200);
    assert_eq!(
        world.text(&format!("SELECT role FROM sync_people WHERE id = '{own}'")).await,
        Some("operator".to_owned())
    );
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn read_only_means_that_nothing_is_written_but_sessions() {
    let mut world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    assert_eq!(serving.stop().await.code, Some(0));
    world.set("GAZELLE_SYNC_DASHBOARD_READ_ONLY", "on");
    let serving = Serving::start(&world, &[]).await;
    let mut operator = Caller::of(&serving);
    until("the database is open", async || operator.get("/app/sign-in").await.status == 200).await;
    assert_eq!(operator.sign_in("Opératrice Exemple").await.status, 303);
    let before = world.table("sync_people", &["signed_in_at"]).await;
    for route in routes().iter().filter(|route| route.method == "POST" && !route.is_session) {
        let id = world.text("SELECT id::text FROM sync_people").await.unwrap();
        let path = route.path.replace("{id}", &id).replace("{link}", &"A".repeat(43)).replace("{*rest}", "x");
        let form = [("name", "Bureau Exemple"), ("role", "office"), ("language", "fr"), ("back", "/app/")];
        let said = operator.post(&path, &form).await;
        assert!(said.status == 403 && said.body.contains("dashboard_read_only"), "{path}: {said:?}");
    }
    assert_eq!(world.table("sync_people", &["signed_in_at"]).await, before);
    assert_eq!(operator.post("/app/me/sign-out", &[]).await.status, 303);
    assert_eq!(operator.get("/app/people").await.status, 303);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_command_line_lists_invites_changes_disables_and_signs_out() {
    let world = World::new().await;
    assert_eq!(world.run(&["people"]).await.success(), json!([]), "creates no tables");
    let link = invited(&world, " Ana  Exemple ", &["--role", "operator"]).await;
    assert!(link.starts_with("http://127.0.0.1:8787/app/enter/"), "{link}");
    let people = world.run(&["people", "list"]).await.success();
    assert_eq!(people[0]["name"], "Ana Exemple");
    assert_eq!((&people[0]["state"], &people[0]["role"]), (&json!("invited"), &json!("operator")));
    let again = world.run(&["people", "invite", "ANA exemple", "--role", "office"]).await.success();
    assert_eq!((&again["is_new"], &again["person"]["role"]), (&json!(false), &json!("office")));
    assert_ne!(again["link"], link.as_str());
    for (args, code) in [
        (&["people", "invite", "Loïc", "--role", "technician"][..], 2),
        (&["people", "invite", "Loïc", "--role", "owner"], 2),
        (&["people", "role", "Nobody", "--role", "office"], 1),
        (&["people", "invite", "a\u{202e}b", "--role", "office"], 1),
        (&["people", "disable", "ana EXEMPLE"], 0),
        (&["people", "sign-out", "Ana Exemple"], 0),
    ] {
        let ran = world.run(args).await;
        assert_eq!(ran.code, code, "{args:?}: {ran}");
    }
    assert_eq!(world.run(&["people"]).await.success()[0]["state"], "disabled");
    // Before the first sync no technician is known; afterwards each must be.
    invited(&world, "Loïc Exemple", &["--role", "technician", "--technician", "usr_unknown"]).await;
    world.full_sync_ok().await;
    let ran =
        world.run(&["people", "invite", "Zoé", "--role", "technician", "--technician", "usr_unknown"]).await;
    assert!(ran.code == 1 && ran.to_string().contains("gazelle_users"), "{ran}");
}
