//! Drives a real Chromium through chromedriver: the few commands of WebDriver that tests of pages and pictures of them
//! need, and those of the DevTools protocol that set time zone, size and colours.
//!
//! WebDriver is JSON over HTTP on the loopback address, so that a client of it is a page of code; chromedriver and
//! Chromium are those of the system, and nothing is downloaded.

mod driver;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::process::Child;

/// chromedriver answers within this time, or never.
const PATIENCE: Duration = Duration::from_secs(120);
/// A page that was clicked for has come within this time, or never.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(60);

/// How a browser is set up.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Width of the page, in CSS pixels.
    pub width: u32,
    /// Height of the window, in CSS pixels.
    pub height: u32,
    /// Whether the page is asked for its dark colours.
    pub dark: bool,
    /// What it accepts: `fr-CA`.
    pub language: &'static str,
    /// Its time zone.
    pub zone: &'static str,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { width: 1280, height: 800, dark: false, language: "en-CA", zone: "UTC" }
    }
}

/// A browser with one page.
pub struct Browser {
    http: reqwest::Client,
    session: String,
    _driver: Child,
}

impl Browser {
    /// Starts chromedriver, and through it a browser. `driver` is the command that starts chromedriver.
    ///
    /// # Errors
    /// Either does not start.
    pub async fn start(driver: std::process::Command, setup: Setup) -> Result<Browser> {
        let (driver, port) = driver::start(driver).await?;
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let base = format!("http://127.0.0.1:{port}");
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                // No sandbox: tests run as root in containers, and the pages are our own.
                "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                         format!("--lang={}", setup.language)],
                "prefs": { "intl.accept_languages": setup.language },
            },
        } } });
        let session = answer(http.post(format!("{base}/session")).json(&capabilities)).await?;
        let id = session["sessionId"].as_str().context("chromedriver opened no session")?;
        let browser = Browser { session: format!("{base}/session/{id}"), http, _driver: driver };
        browser.set_up(setup).await?;
        Ok(browser)
    }

    /// Changes size, colours and time zone, from the next page on.
    ///
    /// # Errors
    /// The browser refuses.
    pub async fn set_up(&self, setup: Setup) -> Result<()> {
        let size = json!({ "width": setup.width, "height": setup.height, "deviceScaleFactor": 1, "mobile": setup.width < 700 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if setup.dark { "dark" } else { "light" };
        // A page that scrolls smoothly is still moving when it is clicked.
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        self.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": setup.zone })).await?;
        let headers = json!({ "headers": { "Accept-Language": setup.language } });
        self.devtools("Network.enable", json!({})).await?;
        self.devtools("Network.setExtraHTTPHeaders", headers).await?;
        Ok(())
    }

    /// Navigates to an address and waits until the page is loaded.
    ///
    /// # Errors
    /// The page cannot be loaded.
    pub async fn navigate(&self, url: &str) -> Result<()> {
        self.post("url", json!({ "url": url })).await.map(|_| ())
    }

    /// The address of the page.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn address(&self) -> Result<String> {
        let address = answer(self.http.get(format!("{}/url", self.session))).await?;
        Ok(address.as_str().unwrap_or_default().to_owned())
    }

    /// Opens another page of the same browser, and goes on with it.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn new_tab(&self) -> Result<()> {
        let tab = self.post("window/new", json!({ "type": "tab" })).await?;
        self.post("window", json!({ "handle": tab["handle"] })).await.map(|_| ())
    }

    /// Goes on with the page that the browser began with.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn first_tab(&self) -> Result<()> {
        let tabs = answer(self.http.get(format!("{}/window/handles", self.session))).await?;
        self.post("window", json!({ "handle": tabs[0] })).await.map(|_| ())
    }

    /// Runs a function's body in the page and returns what it returns.
    ///
    /// # Errors
    /// It throws.
    pub async fn run(&self, body: &str) -> Result<Value> {
        self.post("execute/sync", json!({ "script": body, "args": [] })).await
    }

    /// As [`Browser::run`], for a body that calls its last argument with the result.
    ///
    /// # Errors
    /// It throws, or takes too long.
    pub async fn run_until_told(&self, body: &str) -> Result<Value> {
        self.post("execute/async", json!({ "script": body, "args": [] })).await
    }

    /// The text that a person sees of the first element that a selector finds; empty without one.
    ///
    /// # Errors
    /// The selector is none.
    pub async fn text(&self, selector: &str) -> Result<String> {
        let script =
            format!("const e = document.querySelector({}); return e ? e.innerText : ''", json!(selector));
        Ok(self.run(&script).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks the first element that a selector finds.
    ///
    /// # Errors
    /// There is none, or it cannot be clicked.
    pub async fn click(&self, selector: &str) -> Result<()> {
        // Away from what is fixed at the edges of a page.
        let quoted = Value::from(selector).to_string();
        self.run(&format!("document.querySelector({quoted})?.scrollIntoView({{ block: 'center' }})")).await?;
        let found = self.post("element", json!({ "using": "css selector", "value": selector })).await?;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        let id = id.with_context(|| format!("there is no {selector}"))?;
        self.post(&format!("element/{id}/click"), json!({})).await.map(|_| ())
    }

    /// Clicks what leads to another page, a link or the button of a form, and waits until that page is loaded.
    ///
    /// # Errors
    /// There is no such element, no page followed within a minute, or the browser is gone.
    pub async fn follow(&self, selector: &str) -> Result<()> {
        self.run("document.documentElement.dataset.left = 'not yet'").await?;
        self.click(selector).await?;
        let has_come = "return document.readyState === 'complete' && !document.documentElement.dataset.left";
        let deadline = Instant::now() + FOLLOWED_WITHIN;
        // While one page makes place for the other, there may be no document to ask.
        while !self.run(has_come).await.is_ok_and(|come| come == true) {
            ensure!(Instant::now() < deadline, "no page followed the click on {selector}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// What the page reported since the last call: errors, and breaches of its content security policy.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let entries = self.post("se/log", json!({ "type": "browser" })).await?;
        let text = |entry: &Value| format!("{}: {}", entry["level"], entry["message"]);
        Ok(entries.as_array().map(|all| all.iter().map(text).collect()).unwrap_or_default())
    }

    /// Runs no script of any page from now on; [`Browser::run`] works all the same.
    ///
    /// # Errors
    /// The browser refuses.
    pub async fn switch_scripts_off(&self) -> Result<()> {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await.map(|_| ())
    }

    /// A picture of the whole page, as PNG.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        self.captured(true).await
    }

    /// A picture of what the window shows, as PNG.
    ///
    /// # Errors
    /// The browser cannot take it.
    pub async fn picture_of_window(&self) -> Result<Vec<u8>> {
        self.captured(false).await
    }

    async fn captured(&self, whole: bool) -> Result<Vec<u8>> {
        let options = json!({ "format": "png", "captureBeyondViewport": whole });
        let taken = self.devtools("Page.captureScreenshot", options).await?;
        let data = taken["data"].as_str().context("no picture")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }

    /// A command of the DevTools protocol.
    ///
    /// # Errors
    /// The browser refuses it.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Ends the browser; dropping it ends chromedriver, and the browser with it, less politely.
    pub async fn close(self) {
        let _ = answer(self.http.delete(&self.session)).await;
    }

    async fn post(&self, command: &str, body: Value) -> Result<Value> {
        answer(self.http.post(format!("{}/{command}", self.session)).json(&body))
            .await
            .with_context(|| command.to_owned())
    }
}

/// The value of an answer.
async fn answer(request: reqwest::RequestBuilder) -> Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let mut answer: Value = response.json().await?;
    let value = answer["value"].take();
    if let Some(error) = value["error"].as_str() {
        bail!(
            "{error}: {}",
            value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default()
        );
    }
    ensure!(status.is_success(), "chromedriver answers {status}");
    Ok(value)
}
