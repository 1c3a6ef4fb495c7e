//! Crash points: named steps at which a test kills this program, as `kill -9` would.
//!
//! `GAZELLE_CRASH_AT=rows-written:3` kills it when it reaches that step for the third time. Only in builds with
//! debug assertions; release builds ignore the variable.

/// Defines [`CrashPoint`], its list and its names.
macro_rules! steps {
    ($($(#[$about:meta])* $step:ident = $name:literal,)*) => {
        /// A step of a run at which a kill must lose nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CrashPoint { $($(#[$about])* $step,)* }

        impl CrashPoint {
            /// Every step.
            pub const ALL: &[CrashPoint] = &[$(CrashPoint::$step),*];

            /// The name used in `GAZELLE_CRASH_AT`.
            pub fn name(self) -> &'static str {
                match self { $(CrashPoint::$step => $name,)* }
            }
        }
    };
}

steps! {
    /// The lease is held; nothing else was done.
    LeaseTaken = "lease-taken",
    /// The run is recorded as started.
    RunNoted = "run-noted",
    /// A page was received; nothing of it is staged.
    PageReceived = "page-received",
    /// Versions are in staging, uncommitted.
    VersionsStaged = "versions-staged",
    /// The bookmark has moved, uncommitted.
    BookmarkMoved = "bookmark-moved",
    /// A walk is complete; the records it did not see were not requested yet.
    WalkComplete = "walk-complete",
    /// Absent records were requested by id; the answers are not recorded.
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
    /// Records that waited for a parent are pending again, uncommitted.
    WaitingReleased = "waiting-released",
    /// A missing parent is staged.
    ParentStaged = "parent-staged",
    /// The run is recorded as ended; the lease is still held.
    RunFinished = "run-finished",
    /// The lease was released.
    LeaseReleased = "lease-released",
    /// A transaction is about to be committed.
    BeforeCommit = "before-commit",
    /// A transaction was committed; the program has not acted on it.
    AfterCommit = "after-commit",
    /// A replay has built its tables, uncommitted.
    ReplayBuilt = "replay-built",
    /// A replay has applied the differences, uncommitted.
    ReplayApplied = "replay-applied",
    /// An undo has applied the differences, uncommitted.
    UndoApplied = "undo-applied",
    /// An action of the dashboard is taken; nothing of it is done.
    ActionTaken = "action-taken",
    /// An action of the dashboard is done; its end is not noted.
    ActionDone = "action-done",
}

/// Marks that a step is reached; kills the process if `GAZELLE_CRASH_AT` names it.
#[cfg(debug_assertions)]
pub fn at(step: CrashPoint) {
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
        // Not reached: the signal kills the process first.
        std::process::abort();
    }
}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn at(_step: CrashPoint) {}
