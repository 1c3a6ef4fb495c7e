//! Logging in at the simulated Gazelle as a person does.

use gazelle_sim::{ShopSpec, SimOptions};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;

use super::service::client;
use super::{CommandOutput, World};

pub const KEY: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";

/// A world with an application instead of an API key.
pub async fn world(options: SimOptions) -> World {
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.installation.env.remove("GAZELLE_API_KEY");
    let oauth = world.sim.oauth_url();
    world.set("GAZELLE_OAUTH_URL", &oauth);
    world.set("GAZELLE_CLIENT_ID", "sim-client");
    world.set("GAZELLE_CLIENT_SECRET", "sim-secret");
    world
}

/// A login under way.
pub struct PendingLogin {
    pub child: Child,
    stderr: BufReader<tokio::process::ChildStderr>,
    /// What a person is to open.
    pub address: String,
}

impl PendingLogin {
    pub async fn start(world: &World, args: &[&str]) -> PendingLogin {
        let args: Vec<&str> = ["auth", "login", "--json"].iter().chain(args).copied().collect();
        let mut command = world.command(&args);
        command.stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).await.unwrap(), 0, "it ended: {said}");
            if line.trim().starts_with("http") {
                break line.trim().to_owned();
            }
            said += &line;
        };
        PendingLogin { child, stderr, address }
    }

    pub fn parameter(&self, name: &str) -> String {
        let url = reqwest::Url::parse(&self.address).unwrap();
        url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned()
    }

    pub async fn end(mut self) -> CommandOutput {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).await.unwrap();
        let output = self.child.wait_with_output().await.unwrap();
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr,
        }
    }
}

/// What the browser shows at the end, and where.
pub async fn open(address: &str) -> (u16, String) {
    let answer = client().get(address).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Where Gazelle sends the browser, which does not go there.
pub async fn sent_to(address: &str) -> String {
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(address).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

pub async fn log_in(world: &World) -> Value {
    let login = PendingLogin::start(world, &["--port", "0"]).await;
    let (status, page) = open(&login.address).await;
    assert_eq!(status, 200, "{page}");
    login.end().await.success()
}

pub async fn status(world: &World) -> CommandOutput {
    world.installation.run(&["auth", "status"]).await
}

pub fn problem(ran: &CommandOutput) -> String {
    let document = ran.json();
    document["problem"].as_str().or(document["error"].as_str()).unwrap_or_default().to_owned()
}

/// Every world twice: tokens in a file, tokens in the database.
pub async fn worlds_with_both_token_stores(options: SimOptions) -> [World; 2] {
    let (file, mut database) = (world(options.clone()).await, world(options).await);
    database.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    [file, database]
}
