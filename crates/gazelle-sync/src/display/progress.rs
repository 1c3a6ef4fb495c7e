//! Progress on stderr: one line for each entity on a terminal, otherwise a log line every few seconds.
//!
//! Workers only count ([`EntityProgress`]). A separate thread reads the counts several times a second and draws
//! them. Log lines written through [`Progress::log_writer`] do not collide with the drawing.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::entity_progress::EntityProgress;
use super::line::Line;
use super::log_lines::LogLine;

const REDRAW: Duration = Duration::from_millis(125);
const LOG: Duration = Duration::from_secs(5);
const BAR_STEPS: u64 = 1_000;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressStyle {
    /// Lines that are redrawn in place.
    Bars,
    /// A log line for each unfinished entity every few seconds.
    Log,
    /// Nothing.
    None,
}

impl ProgressStyle {
    /// Bars on a terminal, log lines elsewhere, and nothing if `quiet`.
    pub fn for_stderr(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match (quiet, std::io::stderr().is_terminal() && !dumb) {
            (true, _) => Self::None,
            (false, true) => Self::Bars,
            (false, false) => Self::Log,
        }
    }
}

/// The progress of a run; clones share it.
#[derive(Clone)]
pub struct Progress(Arc<Shared>);

struct Shared {
    style: ProgressStyle,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entities: Vec<Entity>,
    drawing_thread: Option<DrawingThread>,
}

#[derive(Clone)]
struct Entity {
    name: String,
    progress: EntityProgress,
    bar: ProgressBar,
}

/// The drawing thread; it ends when its sender is dropped.
struct DrawingThread {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Shows nothing until the first entity is added.
    pub fn new(style: ProgressStyle) -> Self {
        let target = match style {
            ProgressStyle::Bars => ProgressDrawTarget::stderr(),
            ProgressStyle::Log | ProgressStyle::None => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        Self(Arc::new(Shared { style, bars, state: Mutex::default() }))
    }

    /// The counters of an entity; the same ones for the same name until [`finish`](Self::finish).
    pub fn entity(&self, name: &str) -> EntityProgress {
        let mut state = self.0.lock();
        if let Some(line) = state.entities.iter().find(|line| line.name == name) {
            return line.progress.clone();
        }
        let progress = EntityProgress::new();
        let bar = self.0.bars.add(ProgressBar::new(BAR_STEPS).with_style(bar_style()));
        bar.set_prefix(Line::from(name).to_string());
        state.entities.push(Entity { name: name.to_owned(), progress: progress.clone(), bar });
        if state.drawing_thread.is_none() && self.0.style != ProgressStyle::None {
            state.drawing_thread = self.start_drawing();
        }
        progress
    }

    /// Removes the lines and starts over. Call it before printing the final table.
    pub fn finish(&self) {
        let (entities, drawing_thread) = {
            let mut state = self.0.lock();
            (std::mem::take(&mut state.entities), state.drawing_thread.take())
        };
        // Outside the lock, which the drawing thread needs to end.
        if let Some(DrawingThread { stop, thread }) = drawing_thread {
            drop(stop);
            // A panic of the drawing thread does not affect the work.
            let _ = thread.join();
        }
        for line in entities {
            line.bar.finish_and_clear();
            self.0.bars.remove(&line.bar);
        }
    }

    /// Runs an action with the lines removed meanwhile, such as a question to the user.
    pub fn suspend<T>(&self, action: impl FnOnce() -> T) -> T {
        self.0.bars.suspend(action)
    }

    /// Whether the drawing thread has drawn the bars of all entities.
    #[cfg(test)]
    pub(super) fn has_drawn(&self) -> bool {
        self.0.lines().iter().all(|line| !line.bar.message().is_empty())
    }

    /// A writer of log lines to stderr that does not disturb the progress lines. For `with_writer`: `move ||
    /// progress.log_writer(line)`.
    pub fn log_writer(&self, line: LogLine) -> LogWriter {
        LogWriter { progress: self.clone(), line, pending: Vec::new() }
    }

    /// Starts the drawing thread. Without one (no more threads available) progress is not shown, and the work
    /// continues.
    fn start_drawing(&self) -> Option<DrawingThread> {
        let (stop, stopped) = mpsc::channel();
        // A weak reference, so that a forgotten `finish` does not keep the thread alive.
        let shared = Arc::downgrade(&self.0);
        let style = self.0.style;
        let paint = move || {
            let mut last_log = Instant::now();
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                if style == ProgressStyle::Bars {
                    shared.draw();
                } else if last_log.elapsed() >= LOG {
                    last_log = Instant::now();
                    shared.log();
                }
            }
        };
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(paint).ok()?;
        Some(DrawingThread { stop, thread })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> Vec<Entity> {
        self.lock().entities.clone()
    }

    fn draw(&self) {
        for Entity { progress, bar, .. } in self.lines() {
            let fraction = progress.fraction().unwrap_or(0.0);
            bar.set_message(Line::from(progress.describe()).to_string());
            bar.set_position((fraction * BAR_STEPS as f64) as u64);
            bar.tick();
        }
    }

    fn log(&self) {
        for Entity { name, progress, .. } in self.lines() {
            if !progress.is_done() {
                tracing::info!(entity = name, "{}", progress.describe());
            }
        }
    }
}

fn bar_style() -> indicatif::ProgressStyle {
    indicatif::ProgressStyle::with_template("{prefix:<13} {bar:10} {wide_msg}")
        .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

/// Writes log lines to stderr with the progress lines removed meanwhile. Writes whole lines only, because a redraw
/// between two parts would erase the first; escapes their content.
pub struct LogWriter {
    progress: Progress,
    line: LogLine,
    pending: Vec<u8>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.ends_with(b"\n") {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let line = self.line.harmless(&std::mem::take(&mut self.pending));
        self.progress.suspend(|| std::io::stderr().lock().write_all(line.as_bytes()))
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // If stderr is gone, there is nobody to tell.
        let _ = self.flush();
    }
}
