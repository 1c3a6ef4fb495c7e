//! Progress on stderr: one line an entity on a terminal, a log line (info) now and then elsewhere.
//!
//! Those who work only count ([`EntityProgress`]); one thread of its own looks at the counts some
//! times a second and draws. Logs written through [`Progress::log_writer`] and the drawing never
//! mix.

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
    /// Lines that are redrawn.
    Bars,
    /// A log line for each entity at work, a few seconds apart.
    Log,
    /// Not at all.
    None,
}

impl ProgressStyle {
    /// Bars on a terminal, log lines elsewhere; nothing when told to be quiet.
    pub fn for_stderr(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match (quiet, std::io::stderr().is_terminal() && !dumb) {
            (true, _) => Self::None,
            (false, true) => Self::Bars,
            (false, false) => Self::Log,
        }
    }
}

/// Progress of a run; clones show the same.
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
    painter: Option<Painter>,
}

#[derive(Clone)]
struct Entity {
    name: String,
    progress: EntityProgress,
    bar: ProgressBar,
}

/// The drawing thread; it ends when its sender is dropped.
struct Painter {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Shows nothing until the first entity is named.
    pub fn new(style: ProgressStyle) -> Self {
        let target = match style {
            ProgressStyle::Bars => ProgressDrawTarget::stderr(),
            ProgressStyle::Log | ProgressStyle::None => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        Self(Arc::new(Shared { style, bars, state: Mutex::default() }))
    }

    /// The counters of an entity; the same for the same name until [`finish`](Self::finish).
    pub fn entity(&self, name: &str) -> EntityProgress {
        let mut state = self.0.lock();
        if let Some(line) = state.entities.iter().find(|line| line.name == name) {
            return line.progress.clone();
        }
        let progress = EntityProgress::new();
        let bar = self.0.bars.add(ProgressBar::new(BAR_STEPS).with_style(bar_style()));
        bar.set_prefix(Line::from(name).to_string());
        state.entities.push(Entity { name: name.to_owned(), progress: progress.clone(), bar });
        if state.painter.is_none() && self.0.style != ProgressStyle::None {
            state.painter = self.start_painter();
        }
        progress
    }

    /// Takes the lines away; what comes next starts anew. Call it before the final table.
    pub fn finish(&self) {
        let (entities, painter) = {
            let mut state = self.0.lock();
            (std::mem::take(&mut state.entities), state.painter.take())
        };
        // Outside the lock, which the painter needs to come to its end.
        if let Some(Painter { stop, thread }) = painter {
            drop(stop);
            // A painter that panicked has drawn its last; the work itself is unharmed.
            let _ = thread.join();
        }
        for line in entities {
            line.bar.finish_and_clear();
            self.0.bars.remove(&line.bar);
        }
    }

    /// Does something with the lines taken away meanwhile, such as asking a question.
    pub fn suspend<T>(&self, action: impl FnOnce() -> T) -> T {
        self.0.bars.suspend(action)
    }

    /// Writes lines of a log to stderr without disturbing those of the entities; for `with_writer`, as
    /// `move || progress.log_writer(line)`.
    pub fn log_writer(&self, line: LogLine) -> LogWriter {
        LogWriter { progress: self.clone(), line, pending: Vec::new() }
    }

    /// The thread that draws. Without one (no more threads to be had) there is no progress to see,
    /// which is no reason not to work.
    fn start_painter(&self) -> Option<Painter> {
        let (stop, stopped) = mpsc::channel();
        // Weak, so that a forgotten `finish` does not keep everything alive.
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
        Some(Painter { stop, thread })
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

/// Writes to stderr, the progress lines taken away while it does. Lines are written whole, or a
/// redrawing between two pieces would wipe the first, and harmless whatever is in them.
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
        // Nobody is left to be told that stderr is gone.
        let _ = self.flush();
    }
}
