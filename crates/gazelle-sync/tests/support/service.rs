//! A `serve` under test, and questions to its HTTP side.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;

use super::TestInstallation;

/// How the only script of a page begins: any other would be somebody else's.
pub const OUR_SCRIPT: &str = "<script type=\"module\" src=\"/app/assets/";

/// A running `serve`.
pub struct Serving {
    pub child: Child,
    pub base: String,
    log: Arc<Mutex<String>>,
    logged: JoinHandle<()>,
}

/// How `serve` ended.
pub struct ServeExit {
    pub code: Option<i32>,
    /// All it wrote to stderr.
    pub log: String,
}

impl Serving {
    /// Starts it on a free port and waits until it listens.
    pub async fn start(place: &TestInstallation, args: &[&str]) -> Serving {
        let args: Vec<&str> =
            ["serve", "--json", "--listen", "127.0.0.1:0"].iter().chain(args).copied().collect();
        let mut child = place.command(&args).spawn().expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::<Mutex<String>>::default();
        let written = log.clone();
        let logged = tokio::spawn(async move {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
                written.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        while serde_json::from_str::<Value>(&line).is_err() {
            let read = stdout.read_line(&mut line).await.unwrap();
            if read == 0 {
                logged.await.unwrap();
                panic!("serve ended at once: {line}{}", log.lock().unwrap());
            }
        }
        let document: Value = serde_json::from_str(&line).unwrap();
        let base = format!("http://{}", document["listening"].as_str().unwrap());
        // Left open: a closed pipe is nothing that a service should notice.
        tokio::spawn(async move { stdout.read_to_string(&mut String::new()).await });
        Serving { child, base, log, logged }
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub fn signal(&self, name: &str) {
        super::tools::signal(self.pid(), name);
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(self) -> ServeExit {
        self.signal("-TERM");
        self.ended().await
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ServeExit {
        let status = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        let code = status.expect("it ends").unwrap().code();
        self.logged.await.unwrap();
        let log = self.log.lock().unwrap().clone();
        ServeExit { code, log }
    }

    /// GET; the status and the body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = client().get(format!("{}{path}", self.base)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// GET of a JSON document.
    pub async fn document(&self, path: &str) -> Value {
        let (_, body) = self.get(path).await;
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    /// POST /runs.
    pub async fn ask(&self, body: &str) -> (u16, Value) {
        let request = client().post(format!("{}/runs", self.base)).header("content-type", "application/json");
        let answer = request.body(body.to_owned()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Waits until something is so, and fails after a minute.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Runs recorded with this condition.
pub async fn runs(place: &TestInstallation, condition: &str) -> i64 {
    // Before the first run there is no table.
    let sql = format!("SELECT count(*) FROM sync_runs WHERE {condition}");
    place.db.query_one(&sql, &[]).await.map_or(0, |row| row.get(0))
}
