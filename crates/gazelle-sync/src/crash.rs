//! Named steps at which a test kills this program, as `kill -9` would: in the middle of everything, without a word.
//!
//! `GAZELLE_CRASH_AT=rows-written:3` kills it when it has written rows for the third time. Only in builds with debug
//! assertions; in a release build nothing is looked at.

/// Makes [`Step`], its list and its names.
macro_rules! steps {
    ($($(#[$about:meta])* $step:ident = $name:literal,)*) => {
        /// A step of a run after which a kill must cost nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Step { $($(#[$about])* $step,)* }

        impl Step {
            /// Every step there is.
            pub const ALL: &[Step] = &[$(Step::$step),*];

            /// As it is given in `GAZELLE_CRASH_AT`.
            pub fn name(self) -> &'static str {
                match self { $(Step::$step => $name,)* }
            }
        }
    };
}

steps! {
    /// The lease is held, and nothing done.
    LeaseTaken = "lease-taken",
    /// The run is recorded as started.
    RunNoted = "run-noted",
    /// A page has arrived and nothing of it is staged.
    PageReceived = "page-received",
    /// Versions are in staging, uncommitted.
    VersionsStaged = "versions-staged",
    /// The bookmark has moved, uncommitted.
    BookmarkMoved = "bookmark-moved",
    /// A walk was complete, and what it did not see is not looked into.
    WalkComplete = "walk-complete",
    /// Absent records have been asked for, and nothing noted.
    AbsentAsked = "absent-asked",
    /// Tombstones are in staging, uncommitted.
    TombstonesStaged = "tombstones-staged",
    /// Rows of a table are in production, uncommitted.
    RowsWritten = "rows-written",
    /// Rows are marked deleted, uncommitted.
    RowsMarkedGone = "rows-marked-gone",
    /// Faulty records are in quarantine, uncommitted.
    QuarantineOpened = "quarantine-opened",
    /// Records are out of quarantine, uncommitted.
    QuarantineClosed = "quarantine-closed",
    /// What waited for a parent is pending again, uncommitted.
    WaitingReleased = "waiting-released",
    /// A missing parent is staged.
    ParentStaged = "parent-staged",
    /// The run is recorded as ended, and the lease is held.
    RunFinished = "run-finished",
    /// The lease is given back.
    LeaseReleased = "lease-released",
    /// Any transaction is about to be committed.
    BeforeCommit = "before-commit",
    /// Any transaction has been committed, and nobody knows.
    AfterCommit = "after-commit",
    /// A replay has built its tables, uncommitted.
    ReplayBuilt = "replay-built",
    /// A replay has applied the difference, uncommitted.
    ReplayApplied = "replay-applied",
}

/// Says that a step was reached; ends the process if this is the one that was asked for.
#[cfg(debug_assertions)]
pub fn at(step: Step) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static ASKED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.get_or_init(|| {
        let text = std::env::var("GAZELLE_CRASH_AT").ok()?;
        let (name, time) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), time.parse().unwrap_or(1)))
    });
    let Some((name, time)) = asked else { return };
    if name == step.name() && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *time {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal comes before anything else that this thread does, or it does nothing.
        std::process::abort();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn at(_step: Step) {}
