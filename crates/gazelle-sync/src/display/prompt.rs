//! Asks questions at a terminal: on stderr, so that stdout holds results alone.

use std::io::{self, BufRead as _, ErrorKind, Read as _, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::line::{Line, Lines};
use super::output::print_to_stderr;
use super::width::terminal_width;

/// Asks, and reads a line, without blanks around it.
///
/// # Errors
/// The input ended, or cannot be read.
pub fn ask(question: impl Into<Line>) -> io::Result<String> {
    put(question);
    let mut answer = String::new();
    match stdin().lock().read_line(&mut answer)? {
        0 => Err(ended()),
        _ => Ok(answer.trim().to_owned()),
    }
}

/// Asks for a secret, and reads a line without showing it.
///
/// # Errors
/// As [`ask`]; stdin is no terminal; Ctrl-C was pressed.
pub fn ask_hidden(question: impl Into<Line>) -> io::Result<String> {
    // First, so that nothing is shown of an answer that comes at once.
    let hidden = Hidden::begin()?;
    put(question);
    let answer = read_hidden();
    drop(hidden);
    // The line break that the terminal did not show.
    print_to_stderr("");
    Ok(answer?.trim().to_owned())
}

/// Asks a question to be answered by yes or no; an empty answer is `unsaid`.
///
/// # Errors
/// As [`ask`].
pub fn confirm(question: &str, unsaid: bool) -> io::Result<bool> {
    let choice = if unsaid { "[Y/n]" } else { "[y/N]" };
    loop {
        match ask(format!("{question} {choice}"))?.to_lowercase().as_str() {
            "" => return Ok(unsaid),
            "y" | "yes" | "o" | "oui" => return Ok(true),
            "n" | "no" | "non" => return Ok(false),
            _ => print_to_stderr("please answer y or n"),
        }
    }
}

fn put(question: impl Into<Line>) {
    let mut lines = Lines::new();
    match terminal_width() {
        Some(_) => lines.wrapped(question, 2),
        None => lines.line(question),
    };
    print_to_stderr(lines);
}

fn ended() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the input ended before the question was answered")
}

/// A terminal that shows nothing of what is typed, for as long as this lives.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Hidden> {
        let before = tcgetattr(stdin())?;
        let mut hidden = before.clone();
        // Without signals: Ctrl-C would end the program and leave a terminal that shows nothing.
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Hidden(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// Reads up to the end of the line; backspace and Ctrl-U erase, as the terminal does itself otherwise.
fn read_hidden() -> io::Result<String> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const ERASE_LINE: u8 = 21;
    let mut typed = Vec::new();
    for byte in stdin().lock().bytes() {
        match byte? {
            b'\n' | b'\r' => {
                return String::from_utf8(typed)
                    .map_err(|_| io::Error::new(ErrorKind::InvalidData, "not UTF-8 text"));
            }
            INTERRUPT => return Err(io::Error::new(ErrorKind::Interrupted, "interrupted")),
            END if typed.is_empty() => return Err(ended()),
            ERASE_LINE => typed.clear(),
            8 | 127 => drop(typed.pop()),
            byte => typed.push(byte),
        }
    }
    Err(ended())
}
