//! Every route of the dashboard, asked for by people who are signed in, with every kind of action carried out.

use std::cell::RefCell;
use std::collections::BTreeSet;

use gazelle_sync::dashboard::routes;
use serde_json::Value;

use super::planted_functions::none_was_called;
use crate::support::World;
use crate::support::desk::{ended, submit_form};
use crate::support::live::Stream;
use crate::support::people::{Caller, PASSPHRASE, PageResponse, invited, signed_in};
use crate::support::service::{Serving, until};

/// A form.
type Form<'f> = &'f [(&'f str, &'f str)];

/// A run that withheld deletions, and what they would delete.
pub struct Withheld {
    pub run: String,
    pub records: Vec<String>,
}

/// Those who look, and the routes that they have asked for.
struct Visit<'a> {
    world: &'a World,
    serving: &'a Serving,
    /// As whom the service runs, and which turn it is.
    by: String,
    operator: Caller,
    technician: Caller,
    asked: RefCell<BTreeSet<(&'static str, &'static str)>>,
}

/// Asks for every route, of a service that runs as `role`; `turn` makes the names of this turn's people.
pub async fn every_page(world: &World, serving: &Serving, (role, turn): (&str, usize), withheld: &Withheld) {
    let technician = one(world, "SELECT min(technician_external_id) FROM shop.gazelle_appointments").await;
    let as_technician = ["--role", "technician", "--technician", &technician];
    let operator = format!("Opératrice {turn} (exemple)");
    let visit = Visit {
        world,
        serving,
        by: format!("{role}, {turn}"),
        operator: signed_in(world, serving, &operator, &["--role", "operator"]).await,
        technician: signed_in(world, serving, &format!("Technicienne {turn} (exemple)"), &as_technician)
            .await,
        asked: RefCell::default(),
    };
    visit.visit_sign_in_pages(&operator).await;
    visit.pages_of_records().await;
    visit.other_pages(&technician).await;
    visit.calendar().await;
    visit.people(&technician).await;
    let mut stream = Stream::open(&visit.technician).await;
    visit.actions(withheld).await;
    visit.changes_of_runs(withheld).await;
    assert!(stream.wait_for_region("event: old\n").await, "{}: {}", visit.by, stream.text);
    none_was_called(world, &format!("the live stream of {}", visit.by)).await;
    visit.sign_out().await;
    let asked = visit.asked.into_inner();
    let there: BTreeSet<_> = routes().iter().map(|route| (route.method, route.path)).collect();
    let missing: Vec<_> = there.difference(&asked).collect();
    assert!(missing.is_empty(), "routes that nobody asks for here: {missing:?}");
}

async fn one(world: &World, sql: &str) -> String {
    world.text(sql).await.unwrap_or_else(|| panic!("nothing found: {sql}"))
}

impl Visit<'_> {
    /// An address of a route, whose varying parts are filled in; notes that it was asked for.
    fn address(&self, method: &'static str, path: &'static str, filled: &[&str]) -> String {
        assert!(routes().iter().any(|route| (route.method, route.path) == (method, path)), "{method} {path}");
        self.asked.borrow_mut().insert((method, path));
        let mut parts = path.split(['{', '}']);
        let mut address = parts.next().unwrap().to_owned();
        for with in filled {
            parts.next().expect("a part that varies");
            address.push_str(with);
            address.push_str(parts.next().unwrap());
        }
        assert_eq!(parts.next(), None, "{path}: all is filled in");
        address
    }

    async fn assert_page_ok(&self, asked: &str, said: &PageResponse) {
        none_was_called(self.world, &format!("{asked} of {}: {said:?}", self.by)).await;
        let expected: &[u16] = if asked.contains("nothing/here") { &[404] } else { &[200, 303] };
        assert!(expected.contains(&said.status), "{asked} of {}: {said:?}", self.by);
        // A page that could not be read whole says so in its place.
        assert!(!said.body.contains("could not be read"), "{asked} of {}: {said:?}", self.by);
    }

    /// Looks at a page. `query` begins with a question mark, if there is one.
    async fn get(&self, caller: &Caller, path: &'static str, filled: &[&str], query: &str) -> PageResponse {
        let address = format!("{}{query}", self.address("GET", path, filled));
        let said = caller.get(&address).await;
        self.assert_page_ok(&address, &said).await;
        said
    }

    async fn post(
        &self,
        caller: &Caller,
        path: &'static str,
        filled: &[&str],
        form: Form<'_>,
    ) -> PageResponse {
        let address = self.address("POST", path, filled);
        let said = caller.post(&address, form).await;
        self.assert_page_ok(&address, &said).await;
        said
    }

    /// By a link and by a passphrase.
    async fn visit_sign_in_pages(&self, operator: &str) {
        let link = invited(self.world, "Bureau (exemple)", &["--role", "office"]).await;
        let link = link.rsplit('/').next().unwrap();
        let stranger = Caller::of(self.serving);
        self.get(&stranger, "/app/sign-in", &[], "").await;
        self.get(&stranger, "/app/enter/{link}", &[link], "").await;
        let form = [("passphrase", PASSPHRASE), ("again", PASSPHRASE)];
        self.post(&stranger, "/app/enter/{link}", &[link], &form).await;
        let form = [("name", operator), ("passphrase", PASSPHRASE)];
        assert!(self.post(&stranger, "/app/sign-in", &[], &form).await.cookie().is_some());
        self.post(&stranger, "/app/language", &[], &[("language", "en"), ("back", "/app/")]).await;
        let home = self.get(&self.operator, "/app/", &[], "").await.body;
        let file = home.split("/app/assets/").nth(1).and_then(|at| at.split('"').next()).unwrap();
        let (hash, name) = file.split_once('/').unwrap();
        self.get(&stranger, "/app/assets/{hash}/{name}", &[hash, name], "").await;
        assert_eq!(self.get(&self.operator, "/app", &[], "").await.location(), "/app/");
        for caller in [&self.operator, &self.technician] {
            self.get(caller, "/app/me", &[], "").await;
            self.get(caller, "/app/live", &[], "").await;
            self.get(caller, "/app/{*rest}", &["nothing/here"], "").await;
            self.post(caller, "/app/{*rest}", &["nothing/here"], &[]).await;
        }
        self.post(&self.technician, "/app/me/live", &[], &[("live", "on")]).await;
    }

    /// Records, what became of them, and what is looked for.
    async fn pages_of_records(&self) {
        let operator = &self.operator;
        let client = one(self.world, "SELECT min(client_external_id) FROM shop.gazelle_appointments").await;
        let visit = one(self.world, "SELECT min(external_id) FROM shop.gazelle_appointments").await;
        let path = "/app/records/{entity}/{id}";
        for query in ["", "?explain=company_name", "?compare=1&version=2"] {
            self.get(operator, path, &["clients", &client], query).await;
        }
        self.get(operator, path, &["appointments", &format!("{visit}.json")], "?explain=start_at").await;
        for q in ["ana", &client] {
            self.get(operator, "/app/search", &[], &format!("?q={q}")).await;
        }
        self.get(operator, "/app/search.json", &[], "?q=514&any=1").await;
        let case = one(
            self.world,
            "SELECT staging_id::text FROM shop.sync_quarantine WHERE state IN ('open', 'waiting') LIMIT 1",
        )
        .await;
        self.get(operator, "/app/quarantine/{staging_id}", &[&case], "").await;
        self.get(operator, "/app/quarantine", &[], "").await;
        self.get(operator, "/app/quarantine.json", &[], "?state=closed").await;
    }

    /// What happened and what is set.
    async fn other_pages(&self, technician: &str) {
        let operator = &self.operator;
        let run =
            one(self.world, "SELECT max(run_id::text) FROM shop.sync_runs WHERE command = 'sync'").await;
        self.get(operator, "/app/runs/{run}", &[&run], "").await;
        self.get(operator, "/app/runs/{run}", &[&format!("{run}.json")], "?after=1").await;
        self.get(operator, "/app/runs", &[], "?status=success").await;
        for path in [
            "/app/overview.json",
            "/app/runs",
            "/app/runs.json",
            "/app/latency",
            "/app/latency.json",
            "/app/deletions",
            "/app/deletions.json",
            "/app/people",
            "/app/people.json",
            "/app/settings",
            "/app/settings.json",
            "/app/doctor",
            "/app/doctor.json",
            "/app/actions",
            "/app/actions.json",
        ] {
            self.get(operator, path, &[], "").await;
        }
        let day = one(self.world, "SELECT min(appointment_date)::text FROM shop.gazelle_appointments").await;
        for path in ["/app/today", "/app/today.json", "/app/changes", "/app/changes.json"] {
            self.get(operator, path, &[], &format!("?day={day}&technician={technician}")).await;
            self.get(&self.technician, path, &[], "").await;
        }
    }

    /// A technician's link: made, followed, revoked.
    async fn calendar(&self) {
        let technician = &self.technician;
        let shown = self.post(technician, "/app/feeds", &[], &[]).await.body;
        let file = shown.split("/feed/").nth(1).and_then(|at| at.split('"').next()).expect("a link");
        let calendar = self.get(&Caller::of(self.serving), "/feed/{file}", &[file], "").await;
        assert!(calendar.body.contains("BEGIN:VEVENT"), "{calendar:?}");
        for path in ["/app/feeds", "/app/feeds.json"] {
            self.get(technician, path, &[], "").await;
            self.get(&self.operator, path, &[], "").await;
        }
        let id = one(self.world, "SELECT id::text FROM shop.sync_feeds WHERE revoked_at IS NULL").await;
        self.post(technician, "/app/feeds/{id}/revoke", &[&id], &[]).await;
    }

    /// An operator invites somebody, changes the role, makes a link, ends the sessions and disables.
    async fn people(&self, technician: &str) {
        let name = format!("Collègue (exemple) de {}", self.by);
        let form = [("name", name.as_str()), ("role", "office")];
        self.post(&self.operator, "/app/people", &[], &form).await;
        let id =
            one(self.world, &format!("SELECT id::text FROM shop.sync_people WHERE name = '{name}'")).await;
        let filled = [id.as_str()];
        self.get(&self.operator, "/app/people/{id}", &filled, "").await;
        let role = [("role", "technician"), ("technician", technician)];
        self.post(&self.operator, "/app/people/{id}/role", &filled, &role).await;
        self.post(&self.operator, "/app/people/{id}/link", &filled, &[]).await;
        self.post(&self.operator, "/app/people/{id}/sign-out", &filled, &[]).await;
        self.post(&self.operator, "/app/people/{id}/disable", &filled, &[]).await;
    }

    /// Asks for an action, waits for its end, and looks at its page.
    async fn done(&self, path: &'static str, filled: &[&str], form: Form<'_>) -> Value {
        let id = submit_form(&self.operator, &self.address("POST", path, filled), form).await;
        let action = ended(&self.operator, &id).await;
        none_was_called(self.world, &format!("{path} {form:?} of {}: {action}", self.by)).await;
        let is_done = matches!(action["outcome"].as_str(), Some("done" | "partial"));
        assert!(is_done, "{path} {form:?} of {}: {action}", self.by);
        self.get(&self.operator, "/app/actions/{id}", &[&id], "").await;
        action
    }

    async fn actions(&self, withheld: &Withheld) {
        self.done("/app/actions/sync", &[], &[]).await;
        let case = one(
            self.world,
            "SELECT staging_id::text FROM shop.sync_quarantine
              WHERE state = 'open' AND entity = 'appointments' LIMIT 1",
        )
        .await;
        let form = [("entity", "appointments"), ("id", case.as_str()), ("reason", "made up")];
        self.done("/app/actions/retry", &[], &form[..2]).await;
        self.done("/app/actions/dismiss", &[], &form).await;
        self.done("/app/actions/verify", &[], &[]).await;
        self.post(&self.operator, "/app/actions/doctor", &[], &[]).await;
        until("the examination has ended", async || {
            let said = self.operator.get("/app/doctor.json").await;
            let told: Value = serde_json::from_str(&said.body).unwrap();
            told["open"].is_null() && !told["last"].is_null()
        })
        .await;
        self.get(&self.operator, "/app/doctor", &[], "").await;
        let run = withheld.run.as_str();
        self.get(&self.operator, "/app/deletions/{run}", &[run], "").await;
        let form = [("entity", "appointments"), ("word", "delete"), ("except", withheld.records[1].as_str())];
        self.post(&self.operator, "/app/deletions/{run}/confirm", &[run], &form).await;
    }

    /// What is applied after its dry run was seen, and taken back.
    async fn changes_of_runs(&self, withheld: &Withheld) {
        let decide = |word, except| {
            [
                ("run", withheld.run.as_str()),
                ("entity", "appointments"),
                ("word", word),
                ("shown", "1"),
                ("except", except),
            ]
        };
        let deleted =
            self.done("/app/actions/decide", &[], &decide("delete", withheld.records[1].as_str())).await;
        self.done("/app/actions/decide", &[], &decide("keep", "")[..4]).await;
        let deleted = deleted["run_id"].as_str().unwrap();
        self.applied("/app/actions/replay", deleted).await;
        let undone = self.applied("/app/actions/undo", deleted).await;
        self.applied("/app/actions/lift", undone["run_id"].as_str().unwrap()).await;
    }

    async fn applied(&self, path: &'static str, run: &str) -> Value {
        let shown = self.done(path, &[], &[("run", run)]).await;
        self.done("/app/actions/{id}/apply", &[shown["id"].as_str().unwrap()], &[]).await
    }

    async fn sign_out(&self) {
        self.post(&self.technician, "/app/sign-out", &[], &[]).await;
        self.post(&self.operator, "/app/me/sign-out", &[], &[]).await;
        assert_eq!(self.operator.get("/app/me").await.status, 303, "signed out");
    }
}
