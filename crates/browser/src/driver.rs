//! Starts chromedriver on a port of its choice.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How often it is started. The port that it chose may be taken on its other address by the time it opens that one; it ends then.
const ATTEMPTS: usize = 5;

/// Starts it and waits until it listens. Returns it with its port; it ends when it is dropped.
pub(crate) async fn start(command: std::process::Command) -> Result<(Child, String)> {
    let mut command = Command::from(command);
    command
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    for _ in 0..ATTEMPTS {
        let mut driver = command.spawn().context("chromedriver does not start")?;
        let stdout = driver.stdout.take().context("chromedriver has no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            // "ChromeDriver was started successfully on port 35001."
            if let Some((_, rest)) = line.split_once("successfully on port ") {
                let port = rest.trim_end_matches('.').to_owned();
                // A pipe that nobody reads would stop it.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok((driver, port));
            }
        }
    }
    bail!("chromedriver ended {ATTEMPTS} times without telling a port")
}
