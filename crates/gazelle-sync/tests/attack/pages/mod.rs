//! Requests to the pages of the dashboard by nobody, a technician and somebody of the office: each route of the table by each, in
//! requests that no browser of ours would send.

mod granted;
mod headers;
mod requests;
mod values;
mod wire;

use futures_util::future::join_all;
use gazelle_sync::dashboard::{Route, RouteAccess, routes};
use gazelle_sync::states::Role;

use super::Tally;
use super::support::World;
use super::support::desk::{OPERATOR, OperatorSession};
use super::support::hostile_text::is_harmless;
use super::support::limited::{MEMORY, peak_of};
use super::support::people::{Caller, invited, signed_in};
use super::support::random::Random;
use super::support::service::{OUR_SCRIPT, until};
use granted::{NOBODY, State, Watched};
use values::Known;
use wire::{Attempt, Response};

/// Requests that are sent at once.
const AT_ONCE: usize = 5;
/// No page is larger, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;
/// What an answer may be.
const KINDS: [&str; 9] = [
    "text/html; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/json",
    "text/calendar; charset=utf-8",
    "text/event-stream",
    "text/css; charset=utf-8",
    "text/javascript; charset=utf-8",
    "image/svg+xml",
    "",
];

/// The service, who attacks it, and what they must not get.
struct Scene {
    desk: OperatorSession,
    /// Ids of the people of each rank, and what they ask with; nobody is the first.
    callers: Vec<(String, Caller, &'static str)>,
    technician: String,
    known: Known,
    watched: Watched,
}

/// The token of a link.
fn token(link: &str) -> String {
    link.rsplit('/').next().unwrap_or_default().trim_end_matches(".ics").to_owned()
}

/// The link to a calendar that a page shows.
fn shown_link(body: &str) -> String {
    let link = body.split("value=\"").find(|text| text.contains("/feed/")).expect("a link");
    link.split('"').next().unwrap_or_default().to_owned()
}

/// What the cookie of somebody holds.
fn session(caller: &Caller) -> &str {
    caller.cookie.as_deref().unwrap_or_default().trim_start_matches("gazelle=")
}

/// An invitation that nobody has used, a link to a calendar, one that was revoked, which is returned, and actions of an operator.
async fn linked(desk: &OperatorSession, technicians: &[String], watched: &mut Watched) -> String {
    let world = &desk.world;
    let invitation = invited(world, "Invitée Exemple", &["--role", "operator"]).await;
    watched.add(&token(&invitation), NOBODY);
    let mut links = Vec::new();
    for technician in &technicians[..2] {
        let said = desk.operator.post("/app/feeds", &[("technician", technician)]).await;
        links.push(token(&shown_link(&said.body)));
    }
    watched.add(&links[0], NOBODY);
    let revoked = &technicians[1];
    world
        .execute(&format!(
            "UPDATE sync_feeds SET revoked_at = now() WHERE technician_external_id = '{revoked}'"
        ))
        .await;
    let run = world.text("SELECT run_id::text FROM sync_runs ORDER BY 1 LIMIT 1").await.expect("a run");
    desk.submit_and_wait("/app/actions/verify", &[]).await;
    desk.submit_and_wait("/app/actions/undo", &[("run", &run)]).await;
    links.remove(1)
}

/// The visits' technicians, who has the most first.
async fn technicians(world: &World) -> Vec<String> {
    let rows = world
        .rows(
            "SELECT technician_external_id AS id FROM v_appointments_montreal WHERE technician_external_id IS NOT NULL
              GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2",
        )
        .await;
    rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned).collect()
}

impl Scene {
    async fn new() -> Scene {
        let desk = OperatorSession::with_full_sync().await;
        let (world, serving) = (&desk.world, &desk.serving);
        let technicians = technicians(world).await;
        let role = ["--role", "technician", "--technician", technicians[0].as_str()];
        let technician = signed_in(world, serving, "Technicienne Exemple", &role).await;
        let mut office = desk.sign_in_office().await;
        let mut known =
            Known { host: serving.base.trim_start_matches("http://").to_owned(), ..Known::default() };
        known.name = OPERATOR.to_owned();
        // A session that ended, and one of somebody who is disabled.
        known.stale.extend(office.cookie.take());
        let sql = "UPDATE sync_sessions SET ends_at = now() - interval '1 s'
                    WHERE person_id IN (SELECT id FROM sync_people WHERE role = 'office')";
        world.execute(sql).await;
        assert_eq!(office.sign_in("Bureau Exemple").await.status, 303);
        known
            .stale
            .extend(signed_in(world, serving, "Absente Exemple", &["--role", "operator"]).await.cookie);
        world.run(&["people", "disable", "Absente Exemple"]).await.success();
        let mut watched = Watched::default();
        let link = linked(&desk, &technicians, &mut watched).await;
        known.ids.extend(technicians.iter().cloned().chain([link]));
        for secret in [world.sim.api_key(), "$argon2id$", &world.folder.path().display().to_string()] {
            watched.add(secret, NOBODY);
        }
        for caller in [&desk.operator, &technician, &office] {
            watched.add(session(caller), NOBODY);
        }
        granted::watch(world, &technicians[0], &mut watched).await;
        let nobody = Caller::of(serving);
        let mut scene =
            Scene { callers: Vec::new(), technician: technicians[0].clone(), known, watched, desk };
        scene.learn().await;
        for (caller, name) in [(nobody, ""), (technician, "Technicienne Exemple"), (office, "Bureau Exemple")]
        {
            let sql = format!("SELECT id::text FROM sync_people WHERE name = '{name}'");
            let id = scene.desk.world.text(&sql).await.unwrap_or_default();
            scene.callers.push((id, caller, name));
        }
        scene
    }

    /// Ids and hashes of what is there.
    async fn learn(&mut self) {
        let rows = self
            .desk
            .world
            .rows(
                "(SELECT external_id AS id FROM gazelle_clients ORDER BY 1 LIMIT 4)
                 UNION ALL (SELECT external_id FROM gazelle_appointments ORDER BY 1 LIMIT 4)
                 UNION ALL (SELECT id::text FROM staging_clients ORDER BY 1 LIMIT 2)
                 UNION ALL (SELECT staging_id::text FROM sync_quarantine ORDER BY 1 LIMIT 4)
                 UNION ALL (SELECT run_id::text FROM sync_runs ORDER BY 1 LIMIT 2)
                 UNION ALL SELECT id::text FROM sync_actions
                 UNION ALL SELECT id::text FROM sync_feeds
                 UNION ALL SELECT id::text FROM sync_people
                 UNION ALL SELECT rtrim(translate(encode(hash, 'base64'), '+/', '-_'), '=') FROM sync_feeds
                 UNION ALL SELECT rtrim(translate(encode(link_hash, 'base64'), '+/', '-_'), '=') FROM sync_people WHERE link_hash IS NOT NULL",
            )
            .await;
        self.known.ids.extend(rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned));
        let hashes = self
            .desk
            .world
            .rows("SELECT 'gazelle=' || rtrim(translate(encode(hash, 'base64'), '+/', '-_'), '=') AS cookie FROM sync_sessions")
            .await;
        self.known.stale.extend(hashes.iter().filter_map(|row| row["cookie"].as_str()).map(str::to_owned));
    }

    /// Signs in whoever attacks, if the last requests have ended the session.
    async fn ready(&mut self, rank: usize) {
        let (_, caller, name) = &mut self.callers[rank];
        if rank > 0 && caller.get("/app/me").await.status != 200 {
            caller.cookie = None;
            let said = caller.sign_in(name).await;
            assert_eq!(said.status, 303, "{said:?}");
            self.watched.add(session(caller), NOBODY);
        }
        self.known.cookies[rank].clone_from(&caller.cookie);
    }

    async fn state(&self, rank: usize) -> State {
        State::read(&self.desk.world, rank, &self.callers[rank].0, &self.technician).await
    }

    /// Sends some requests at once, and judges each answer and what became of the database.
    async fn round(&mut self, attempts: &[(Attempt, &Route)], rank: usize) {
        let before = self.state(rank).await;
        let answers =
            join_all(attempts.iter().map(|(attempt, _)| wire::send(&self.known.host, &attempt.request)))
                .await;
        let mut has_asked = false;
        for ((attempt, route), answer) in attempts.iter().zip(&answers) {
            let Some(answer) = answer else {
                assert!(attempt.request.is_broken, "no answer: {}", attempt.request.line());
                continue;
            };
            let what = format!("{}\n-> {}", attempt.request.line(), answer.line());
            judge(attempt, answer, &what);
            if attempt.is_of_route {
                is_for_rank(attempt, route, answer, &what);
            }
            let found = self.watched.found(&answer.body, attempt.rank, &attempt.said);
            assert!(found.is_none(), "it holds {found:?}: {what}");
            has_asked |= answer.header("location").starts_with("/app/actions/");
        }
        if has_asked {
            assert_eq!(rank, 2, "work was asked for");
            self.done().await;
        }
        let after = self.state(rank).await;
        let changed = before.changed(&after, has_asked);
        assert!(changed.is_empty(), "rank {rank} changed {changed:?}");
    }

    /// Waits until what the office asked for was done; it must be what the office may ask for.
    async fn done(&self) {
        let sql = "SELECT count(*) FROM sync_actions WHERE outcome IS NULL";
        until("the actions have ended", async || self.desk.world.one::<i64>(sql, &[]).await == 0).await;
        let asked = self
            .desk
            .world
            .rows("SELECT a.kind FROM sync_actions a JOIN sync_people p ON p.id = a.asked_by WHERE p.role <> 'operator'")
            .await;
        for row in asked {
            assert!(
                ["sync", "retry", "dismiss"].contains(&row["kind"].as_str().unwrap_or_default()),
                "{row}"
            );
        }
    }

    /// The service is as well as before, and its log says nothing that it should not.
    async fn end(self, tally: &mut Tally) {
        let (status, body) = self.desk.serving.get("/healthz").await;
        assert_eq!(status, 200, "{body}");
        let peak = peak_of(self.desk.serving.pid());
        assert!(peak <= MEMORY, "the service held {peak} KiB");
        tally.peak = tally.peak.max(peak);
        let ended = self.desk.serving.stop().await;
        assert_eq!(ended.code, Some(0));
        is_harmless("the service's log", &ended.log);
        assert!(!ended.log.contains("panicked"), "{}", ended.log);
        let found = self.watched.found(ended.log.as_bytes(), NOBODY - 1, "");
        assert!(found.is_none(), "the log holds {found:?}: {}", ended.log);
    }
}

/// What holds of every answer, whoever asked and for what.
fn judge(attempt: &Attempt, answer: &Response, what: &str) {
    let of_library = attempt.request.is_broken && [400, 405, 408, 413, 414, 431].contains(&answer.status);
    if of_library && answer.body.is_empty() {
        return;
    }
    assert!(answer.status < 500, "{what}");
    assert!(answer.body.len() <= LARGEST, "{} bytes: {what}", answer.body.len());
    let kind = answer.header("content-type");
    assert!(KINDS.contains(&kind), "{what}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    let policy = answer.header("content-security-policy");
    // What is no path of ours is answered by the four paths, in JSON.
    let is_elsewhere = !attempt.is_of_route && kind == "application/json" && policy.is_empty();
    let is_closed = policy.starts_with("default-src 'none'")
        && !policy.contains("unsafe")
        && policy.contains("frame-ancestors 'none'");
    assert!(is_closed || is_elsewhere, "{what}");
    let caching = match kind {
        _ if answer.status >= 400 => "no-store",
        "text/css; charset=utf-8" | "text/javascript; charset=utf-8" | "image/svg+xml" => {
            "public, max-age=31536000, immutable"
        }
        "text/calendar; charset=utf-8" => "private, no-cache",
        _ => "no-store",
    };
    assert_eq!(answer.header("cache-control"), caching, "{what}");
    let location = answer.header("location");
    assert!(
        location.is_empty() || location.starts_with("/app") && !location.contains(['\\', '\r', '\n']),
        "{what}"
    );
    for cookie in answer.all("set-cookie") {
        // Nobody is signed in by any of this: a session is at most taken away.
        assert!(!cookie.starts_with("gazelle=") || cookie.starts_with("gazelle=;"), "{what}");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("x7"), "{what}");
    }
    assert!(
        !answer
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("x-injected") || name.starts_with("access-control-")),
        "{what}"
    );
    let text = answer.text();
    is_harmless(what, &text.replace('\r', ""));
    if kind.starts_with("text/html") {
        assert_eq!(text.matches("<script").count(), text.matches(OUR_SCRIPT).count(), "{what}");
        assert!(!text.contains("<x7markup") && !text.contains("=\"javascript:"), "{what}");
    }
}

/// Nobody gets what a route gives to a higher rank, and nothing is done for a page of another site.
fn is_for_rank(attempt: &Attempt, route: &Route, answer: &Response, what: &str) {
    let least = match route.access {
        RouteAccess::File | RouteAccess::Link | RouteAccess::Anyone => 0,
        RouteAccess::Role(Role::Technician) => 1,
        RouteAccess::Role(Role::Office) => 2,
        RouteAccess::Role(Role::Operator) => 3,
    };
    let signs_in = answer.status == 303 && answer.header("location").starts_with("/app/sign-in?next=");
    let is_refused = signs_in || answer.status >= 400;
    assert!(is_refused || attempt.rank >= least, "rank {} at a route of rank {least}: {what}", attempt.rank);
    let writes = route.method == "POST";
    assert!(
        !writes || attempt.is_from_own_page || answer.status >= 400,
        "for a page of another site: {what}"
    );
}

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    tally.attempt("setting up".to_owned());
    let mut scene = Scene::new().await;
    assert!(scene.watched.len() > 200, "{} texts are watched", scene.watched.len());
    for rank in 0..3 {
        let mut all: Vec<&Route> = routes().iter().collect();
        for at in (1..all.len()).rev() {
            all.swap(at, random.below(at + 1));
        }
        for some in all.chunks(AT_ONCE) {
            scene.ready(rank).await;
            let attempts: Vec<(Attempt, &Route)> = some
                .iter()
                .map(|route| (requests::attempt(random, &scene.known, route, rank), *route))
                .collect();
            let lines: Vec<String> = attempts.iter().map(|(attempt, _)| attempt.request.line()).collect();
            tally.attempt(lines.join("\n"));
            tally.attempts += attempts.len() as u64 - 1;
            scene.round(&attempts, rank).await;
        }
        scene.ready(rank).await;
        let certain = requests::certain(&scene.known, rank).map(|(attempt, method, path)| {
            let route = routes().iter().find(|route| route.method == method && route.path == path);
            (attempt, route.expect("a route"))
        });
        tally.attempt(certain.each_ref().map(|(attempt, _)| attempt.request.line()).join("\n"));
        scene.round(&certain, rank).await;
    }
    scene.end(tally).await;
}
