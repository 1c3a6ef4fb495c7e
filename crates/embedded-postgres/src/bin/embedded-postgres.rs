//! `embedded-postgres FOLDER`: starts or attaches to the server of a folder, prints its connection string, and
//! keeps it until standard input ends. For trying the library, and for its tests, which kill this program.

use std::io::{Read, Write};

use embedded_postgres::{Options, Server};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match hold().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embedded-postgres: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn hold() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: embedded-postgres FOLDER [--die-with-parent] [--leave-running]";
    let mut options = Options::new(arguments.next().ok_or(usage)?);
    let mut leave_running = false;
    for argument in arguments {
        match argument.to_str() {
            Some("--die-with-parent") => options.die_with_parent = true,
            Some("--leave-running") => leave_running = true,
            _ => return Err(usage.into()),
        }
    }
    let server = Server::start_or_attach(options).await?;
    let how = if server.started_here() { "started" } else { "attached" };
    // One line: how, process id, connection string.
    writeln!(std::io::stdout(), "{how} {} {}", server.pid(), server.connection_string())?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    if leave_running {
        server.leave_running().await?;
    } else {
        server.leave().await?;
    }
    Ok(())
}
