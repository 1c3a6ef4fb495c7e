//! A terminal of 80 columns at the program's stdout, as a person has one.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::Command;

use super::CommandOutput;

/// How wide it is.
pub const COLUMNS: u16 = 80;

/// Runs a program to its end with its stdout at a terminal that shows no colour.
#[expect(unsafe_code, reason = "a new session begins between fork and exec")]
pub async fn ran_at_terminal(mut command: Command) -> CommandOutput {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&master).expect("a terminal for us");
    unlockpt(&master).expect("a terminal that opens");
    let size = Winsize { ws_row: 50, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    command.env("NO_COLOR", "1").stdout(stdout_of(&master, size)).stderr(Stdio::piped());
    // The width that counts is that of the session's terminal, which may be a developer's: a new session has none.
    // SAFETY: `setsid` is one system call, which may be made between fork and exec.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    let child = command.spawn().expect("the program starts");
    // It holds the other end of the terminal: what is read ends when nobody else holds that.
    drop(command);
    let reading = tokio::task::spawn_blocking(move || everything(File::from(master)));
    let output = child.wait_with_output().await.expect("the program ends");
    let shown = reading.await.expect("what it showed");
    CommandOutput {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&shown).replace("\r\n", "\n"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a program at a terminal, where each question that is shown gets its answer, in this order. What it shows is the
/// result's stdout.
///
/// # Panics
/// Where it ends before all questions were asked.
#[expect(unsafe_code, reason = "a new session begins between fork and exec")]
pub async fn answered_at_terminal(mut command: Command, answers: &[(&str, &str)]) -> CommandOutput {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&master).expect("a terminal for us");
    unlockpt(&master).expect("a terminal that opens");
    let size = Winsize { ws_row: 50, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    command.env("NO_COLOR", "1").stdin(stdout_of(&master, size));
    command.stdout(stdout_of(&master, size)).stderr(stdout_of(&master, size));
    // SAFETY: `setsid` is one system call, which may be made between fork and exec.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    let mut child = command.spawn().expect("the program starts");
    drop(command);
    let answers: Vec<(String, String)> =
        answers.iter().map(|(question, answer)| ((*question).to_owned(), format!("{answer}\n"))).collect();
    let talking = tokio::task::spawn_blocking(move || converse(File::from(master), &answers));
    let status = child.wait().await.expect("the program ends");
    let shown = talking.await.expect("every question is asked");
    CommandOutput { code: status.code().unwrap_or(-1), stdout: shown, stderr: String::new() }
}

/// Answers until nobody holds the other end any more.
fn converse(mut master: File, answers: &[(String, String)]) -> String {
    let (mut shown, mut piece) = (Vec::new(), [0; 4096]);
    let (mut answered, mut from) = (0, 0);
    while let Ok(read) = master.read(&mut piece)
        && read > 0
    {
        shown.extend_from_slice(&piece[..read]);
        while let Some((question, answer)) = answers.get(answered) {
            let text = String::from_utf8_lossy(&shown[from..]).into_owned();
            let Some(at) = text.find(question.as_str()) else { break };
            from += at + question.len();
            answered += 1;
            master.write_all(answer.as_bytes()).expect("an answer");
        }
    }
    let shown = String::from_utf8_lossy(&shown).replace("\r\n", "\n");
    assert_eq!(answered, answers.len(), "not all was asked: {shown}");
    shown
}

/// The end of the terminal that a program writes to.
fn stdout_of(master: &OwnedFd, size: Winsize) -> Stdio {
    let name = ptsname(master, Vec::new()).expect("the name of the terminal");
    let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let slave = OpenOptions::new().read(true).write(true).open(path).expect("the terminal opens");
    tcsetwinsize(&slave, size).expect("a size");
    Stdio::from(slave)
}

/// What is shown until nobody holds the other end any more, which some systems tell as an error.
fn everything(mut master: File) -> Vec<u8> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(read) = master.read(&mut piece)
        && read > 0
    {
        all.extend_from_slice(&piece[..read]);
    }
    all
}
