//! How many statements a page costs the database, by the server's own log.

use crate::support::World;
use crate::support::service::{Serving, until};

/// The most statements of each page. 21 of them say who asks and whether the tables are still ours: seven questions, each in a
/// transaction of its own. 3 begin and end the snapshot, and read the time and what waits. The page's own are at most 8, but for Overview, which has
/// one for each condition of the alerts that it tells, and is therefore read once for all who look within three seconds.
const MOST: [(&str, usize); 8] = [
    ("/app/", 40),
    ("/app/today", 31),
    ("/app/runs", 28),
    ("/app/runs/{run}", 34),
    ("/app/quarantine", 30),
    ("/app/records/clients/{client}", 32),
    ("/app/changes", 29),
    ("/app/search?q=ana", 32),
];

/// A filled database that logs its statements, and a service that runs nothing by itself.
async fn with_logged_statements() -> (World, Serving) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.full_sync_ok().await;
    world.execute("INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')").await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    world.server.set("log_statement", "all").await.unwrap();
    (world, serving)
}

/// Statements that the server was sent so far.
fn sent(world: &World) -> usize {
    let log = std::fs::read(world.server.server().unwrap().log_file()).unwrap();
    let log = String::from_utf8_lossy(&log);
    log.lines().filter(|line| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ")).count()
}

#[tokio::test]
async fn a_page_sends_no_more_statements_than_its_ceiling() {
    let (world, serving) = with_logged_statements().await;
    let run = world.text("SELECT max(run_id::text) FROM sync_runs").await.unwrap();
    let client = world.text("SELECT min(external_id) FROM gazelle_clients").await.unwrap();
    // The service's own duties come between now and then, so that the least of some counts.
    let cost = async |path: &str| {
        let mut least = usize::MAX;
        for _ in 0..4 {
            // Facts that others have read are not shown after something was posted.
            let post = crate::support::service::client().post(format!("{}/app/language", serving.base));
            let form = [("language", "en"), ("back", "/app/live")];
            assert_eq!(post.header("origin", &serving.base).form(&form).send().await.unwrap().status(), 200);
            let before = sent(&world);
            assert_eq!(serving.get(path).await.0, 200, "{path}");
            least = least.min(sent(&world) - before);
        }
        least
    };
    let mut over = Vec::new();
    for (page, most) in MOST {
        let cost = cost(&page.replace("{run}", &run).replace("{client}", &client)).await;
        if cost > most {
            over.push(format!("{page}: {cost} statements instead of {most}"));
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn overview_is_read_once_for_all_who_look_within_three_seconds() {
    let (world, serving) = with_logged_statements().await;
    let reads = || {
        let log = std::fs::read(world.server.server().unwrap().log_file()).unwrap();
        String::from_utf8_lossy(&log).matches("What the last run that counted an entity held").count()
    };
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(serving.get("/app/").await.0, 200);
    }
    let most = begun.elapsed().as_secs() as usize / 3 + 1;
    assert!(reads() <= most, "read {} times in {:?}", reads(), begun.elapsed());
    assert_eq!(serving.stop().await.code, Some(0));
}
