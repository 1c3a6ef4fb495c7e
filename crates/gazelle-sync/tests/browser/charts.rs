//! The charts over a month of runs: accessible, within the width of a phone, and drawn.

use browser::Setup;

use super::DashboardBrowser;
use super::pages::found_by_axe;
use super::support::World;
use super::support::month::{MONTH, MORE_REQUESTS};

#[tokio::test]
async fn charts_keep_nobody_out_and_fit_into_every_width() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(MONTH).await;
    world.execute(MORE_REQUESTS).await;
    let looked = DashboardBrowser::over(world, Setup::default()).await;
    let newest =
        "SELECT run_id::text FROM sync_runs WHERE program = 'planted' ORDER BY started_at DESC LIMIT 1";
    let run = looked.world.text(newest).await.unwrap();
    let pages = [
        ("/app/".to_owned(), "svg.growth path.layer"),
        ("/app/runs".to_owned(), "svg.bars path.warn"),
        (format!("/app/runs/{run}"), "svg.lanes path.hatched"),
        (format!("/app/runs/{run}?after=200"), "svg.lanes path.run"),
        ("/app/latency".to_owned(), "svg.cells path.run"),
        ("/app/quarantine".to_owned(), "svg.moved path.ok"),
    ];
    let mut found = Vec::new();
    for language in ["en-CA", "fr-CA"] {
        for (width, dark) in [(1280, false), (360, true), (1280, true), (320, false)] {
            looked.browser.set_up(Setup { width, dark, language, ..Setup::default() }).await.unwrap();
            for (page, drawn) in &pages {
                looked.navigate(page).await;
                // With its table open, which axe does not look into otherwise.
                let script = format!(
                    "document.querySelectorAll('main details').forEach(one => one.open = true);
                     const root = document.documentElement, drawn = document.querySelector('{drawn}');
                     return [root.scrollWidth - root.clientWidth, drawn ? Math.round(drawn.getBoundingClientRect().width) : 0]"
                );
                let said = looked.browser.run(&script).await.unwrap();
                let what = format!("{page} {language} {width} {dark}");
                if said[0].as_i64() > Some(0) || said[1].as_i64() < Some(1) {
                    found.push(format!("{what}: too wide, or not drawn: {said}"));
                }
                found.extend(
                    found_by_axe(&looked.browser).await.into_iter().map(|one| format!("{what}: {one}")),
                );
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    looked.end().await;
}
