//! One run in a runtime of its own: dropping that runtime in the middle leaves to the database and the API what a killed
//! process leaves, sockets that close and nothing else.

use std::time::Duration;

use gazelle_sync::config::{Layers, Settings};
use gazelle_sync::db;
use gazelle_sync::db::ConnectSettings;
use gazelle_sync::display::{Progress, ProgressStyle};
use gazelle_sync::orchestrator::{Job, run_sync};
use gazelle_sync::rebuild::replay;
use gazelle_sync::run_log::report::{RunOutcome, RunReport};
use gazelle_sync::source::{Credential, GazelleClient, SourceSettings};
use gazelle_sync::staging::history::slice::Slice;
use tokio::sync::oneshot;

/// How a run came out.
#[derive(Debug)]
pub enum RunEnd {
    Report(Box<RunReport>),
    /// How it ended, and its reasons.
    Replayed(RunOutcome, Vec<String>),
    Failed(String),
    Killed,
}

/// What is run.
#[derive(Clone)]
pub enum Task {
    Run(Job),
    Replay,
}

/// How the runs of a history reach things.
#[derive(Clone)]
pub struct Setting {
    pub settings: Settings,
    pub api_key: String,
}

impl Setting {
    /// Settings from environment variables, as a person would give them.
    pub fn new(env: impl IntoIterator<Item = (String, String)>, api_key: &str) -> Setting {
        let layers = Layers { env: env.into_iter().collect(), ..Layers::default() };
        let settings = Settings::load(&layers).unwrap_or_else(|error| panic!("{error}"));
        Setting { settings, api_key: api_key.to_owned() }
    }

    pub fn client(&self) -> GazelleClient {
        let settings = SourceSettings {
            graphql_url: self.settings.api_url.to_string(),
            timeout: self.settings.timeout(),
            attempts: self.settings.attempts,
            retry_delay: self.settings.retry_delay(),
            concurrency: self.settings.concurrency,
            ..SourceSettings::default()
        };
        GazelleClient::new(settings, Credential::ApiKey(self.api_key.clone().into())).expect("a client")
    }

    pub async fn connect(&self, url: &str) -> Result<db::Db, db::DbError> {
        let settings = ConnectSettings {
            url: url.to_owned(),
            ca_file: None,
            schema: self.settings.schema.clone(),
            connections: 8,
        };
        db::connect_within(&settings, self.settings.database_limits()).await
    }
}

/// A run under way.
pub struct Running {
    kill: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<RunEnd>,
}

impl Running {
    pub fn start(setting: &Setting, url: &str, task: Task) -> Running {
        let (kill, killed) = oneshot::channel();
        let (sender, ended) = oneshot::channel();
        let (setting, url) = (setting.clone(), url.to_owned());
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let ended = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = killed => RunEnd::Killed,
                    ended = perform(&setting, &url, task) => ended,
                }
            });
            runtime.shutdown_background();
            let _ = sender.send(ended);
        });
        Running { kill: Some(kill), ended }
    }

    /// Kills it, if it still runs.
    pub fn kill(&mut self) {
        if let Some(kill) = self.kill.take() {
            let _ = kill.send(());
        }
    }

    /// Waits for its end; an error when it panics, or hangs. What hangs does so for ever: the limit is so long that no
    /// machine, however busy, exceeds it with a run that goes on.
    pub async fn end(&mut self) -> Result<RunEnd, String> {
        match tokio::time::timeout(Duration::from_secs(600), &mut self.ended).await {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(_)) => Err("the run panicked".to_owned()),
            Err(_) => Err("the run hangs".to_owned()),
        }
    }

    /// Waits for its end for as long as this.
    pub async fn end_within(&mut self, patience: Duration) -> Option<Result<RunEnd, String>> {
        match tokio::time::timeout(patience, &mut self.ended).await {
            Ok(ended) => Some(ended.map_err(|_| "the run panicked".to_owned())),
            Err(_) => None,
        }
    }
}

async fn perform(setting: &Setting, url: &str, task: Task) -> RunEnd {
    let result = async {
        let db = setting.connect(url).await?;
        let progress = Progress::new(ProgressStyle::None);
        let settings = &setting.settings;
        Ok::<_, db::DbError>(match task {
            Task::Run(job) => {
                let report = run_sync(&db, Some(setting.client()), settings, &job, &progress).await?;
                RunEnd::Report(Box::new(report))
            }
            Task::Replay => {
                let wanted = replay::ReplayRequest {
                    entities: gazelle_sync::entities::ENTITIES.to_vec(),
                    slice: Slice::default(),
                    allow_deletions: false,
                    dry_run: false,
                };
                let report = replay::replay(&db, settings, &wanted, &progress).await?;
                RunEnd::Replayed(report.rebuild.status, report.rebuild.reasons)
            }
        })
    }
    .await;
    result.unwrap_or_else(|error| RunEnd::Failed(error.to_string()))
}
