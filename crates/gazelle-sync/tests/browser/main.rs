//! The dashboard in a real browser: Debian's Chromium, a Postgres of its own and a simulated Gazelle.

mod actions;
mod charts;
mod feeds;
mod forms;
mod live;
mod pages;
mod people;
mod records;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod today;

use browser::{Browser, Setup};
use support::World;
use support::service::Serving;
use support::tools::tool;

/// Keeps a picture of the page for people to look at, in the folder that `GAZELLE_SYNC_TEST_PICTURES` names, if it is set.
async fn keep_picture(browser: &Browser, what: &str) {
    let Some(folder) = std::env::var_os("GAZELLE_SYNC_TEST_PICTURES") else { return };
    let width = browser.run("return window.innerWidth").await.unwrap();
    let name: String = what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::path::Path::new(&folder).join(format!("{}-{width}.png", name.trim_matches('-')));
    std::fs::write(file, browser.picture().await.unwrap()).unwrap();
}

/// The program serving a shop that is marked as made up, and a browser before it.
struct DashboardBrowser {
    world: World,
    serving: Serving,
    browser: Browser,
}

impl DashboardBrowser {
    /// A shop that was synced once.
    async fn at(world: World, setup: Setup) -> DashboardBrowser {
        world.full_sync_ok().await;
        DashboardBrowser::over(world, setup).await
    }

    /// A shop as it is.
    async fn over(world: World, setup: Setup) -> DashboardBrowser {
        world.execute("INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')").await;
        let serving = Serving::start(&world, &[]).await;
        support::service::until("the database is open", async || serving.get("/app/").await.0 == 200).await;
        let browser = Browser::start(tool("chromedriver"), setup).await.expect("a browser");
        DashboardBrowser { world, serving, browser }
    }

    async fn navigate(&self, path: &str) {
        self.browser.navigate(&format!("{}{path}", self.serving.base)).await.expect(path);
    }

    async fn text(&self, selector: &str) -> String {
        self.browser.text(selector).await.unwrap().replace('\u{a0}', " ")
    }

    async fn end(self) {
        self.browser.close().await;
        assert_eq!(self.serving.stop().await.code, Some(0));
        drop(self.world);
    }
}
