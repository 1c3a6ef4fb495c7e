//! Draws the runs of a period: one bar per run, and a tick for each scheduled run that did not take place.

use jiff::Timestamp;
use serde::Serialize;

use super::scale::{TimeScale, logarithmic, rounded};
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::overview as w;
use crate::run_log::kinds::RunState;

/// The drawing's own units; the page stretches it.
pub(crate) const WIDTH: f64 = 960.0;
/// Where the bars stand.
pub(crate) const BASE: f64 = 64.0;
/// Bars are never thinner.
const THINNEST: f64 = 4.0;

/// A run to draw.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) run_id: String,
    pub(crate) started_at: Timestamp,
    /// None while it is running.
    pub(crate) duration_ms: Option<i64>,
    pub(crate) status: RunState,
}

/// A bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The class of its colour and shape.
    pub(crate) class: &'static str,
    /// A cap above the bar, for all that is not a success: colour is not all that tells.
    pub(crate) cap: bool,
}

/// The drawing.
#[derive(Debug, Clone)]
pub(crate) struct Strip {
    pub(crate) title: String,
    pub(crate) desc: String,
    pub(crate) bars: Vec<Bar>,
    /// Where a run was due and none came.
    pub(crate) missed: Vec<f64>,
    /// Five hours along the axis.
    pub(crate) hours: Vec<(String, Timestamp)>,
}

/// The time that is drawn, and when runs were due in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'d> {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) due: &'d [Timestamp],
}

impl Strip {
    /// Draws the runs of a window.
    pub(crate) fn draw(runs: &[Run], window: Window<'_>, t: &Locale) -> Strip {
        let scale = TimeScale::new(window.from, window.to, WIDTH);
        let longest = runs.iter().filter_map(|run| run.duration_ms).max().unwrap_or_default();
        let bars = runs.iter().map(|run| bar(run, scale, window.to, longest)).collect();
        let missed = missed(runs, window);
        let places = missed.iter().map(|at| rounded(scale.place(*at))).collect();
        let span = window.to.duration_since(window.from);
        let hours = (0..5).filter_map(|quarter| {
            let at = window.from.checked_add(span * quarter / 4).ok()?;
            Some((t.hour(at), at))
        });
        Strip {
            title: title(runs, missed.len(), t),
            desc: t.say(w::STRIP_DESC).into_owned(),
            bars,
            missed: places,
            hours: hours.collect(),
        }
    }
}

fn bar(run: &Run, scale: TimeScale, now: Timestamp, longest: i64) -> Bar {
    let (class, cap) = match run.status {
        RunState::Success => ("ok", false),
        RunState::Partial => ("warn", true),
        RunState::Failed => ("bad", true),
        RunState::Running => ("run", false),
        RunState::Interrupted => ("off", true),
    };
    let lasted = run
        .duration_ms
        .unwrap_or_else(|| i64::try_from(now.duration_since(run.started_at).as_millis()).unwrap_or_default());
    let height = rounded(logarithmic(lasted as f64, longest as f64) * (BASE - 12.0));
    let x = rounded(scale.place(run.started_at).min(WIDTH - THINNEST));
    let end = run.started_at.checked_add(jiff::SignedDuration::from_millis(lasted)).unwrap_or(now);
    let width = rounded((scale.place(end) - x).max(THINNEST));
    Bar { x, y: rounded(BASE - height), width, height, class, cap }
}

/// The instants at which a run was due and none began before the next one was due. The last one is given time.
fn missed(runs: &[Run], window: Window<'_>) -> Vec<Timestamp> {
    let pairs = window.due.windows(2);
    pairs
        .filter(|pair| !runs.iter().any(|run| pair[0] <= run.started_at && run.started_at < pair[1]))
        // A run that lasts over the next one's time stands for both.
        .filter(|pair| !runs.iter().any(|run| covers(run, pair[0])))
        .map(|pair| pair[0])
        .collect()
}

fn covers(run: &Run, at: Timestamp) -> bool {
    let end =
        run.duration_ms.and_then(|ms| run.started_at.checked_add(jiff::SignedDuration::from_millis(ms)).ok());
    run.started_at <= at && end.is_none_or(|end| at <= end)
}

/// `96 runs, 1 failed, 2 were due and did not run`
fn title(runs: &[Run], missed: usize, t: &Locale) -> String {
    if runs.is_empty() && missed == 0 {
        return t.say(w::STRIP_NONE).into_owned();
    }
    let mut parts = vec![t.count(w::STRIP_RUNS, runs.len() as i64)];
    let of = |status: RunState| runs.iter().filter(|run| run.status == status).count() as i64;
    let bad = [
        (RunState::Failed, w::STRIP_FAILED),
        (RunState::Partial, w::STRIP_PARTIAL),
        (RunState::Interrupted, w::STRIP_INTERRUPTED),
    ];
    let bad = bad.map(|(status, said)| (of(status), said));
    parts.extend(bad.iter().filter(|(runs, _)| *runs > 0).map(|(runs, said)| t.count(*said, *runs)));
    if parts.len() == 1 && !runs.is_empty() && of(RunState::Running) == 0 {
        parts.push(t.count(w::STRIP_ALL_WELL, runs.len() as i64));
    }
    if missed > 0 {
        parts.push(t.count(w::STRIP_MISSED, missed as i64));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/strip.html")]
    struct Alone<'s> {
        strip: &'s Strip,
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}:00Z").parse().unwrap()
    }

    fn run(started: &str, duration_ms: Option<i64>, status: &str) -> Run {
        Run {
            run_id: "0193".to_owned(),
            started_at: at(started),
            duration_ms,
            status: status.parse().unwrap(),
        }
    }

    fn drawn(runs: &[Run], due: &[Timestamp], language: Language) -> Strip {
        let locale = Locale::new(language, time::zone(time::MONTREAL).unwrap(), at("12:00"));
        Strip::draw(runs, Window { from: at("00:00"), to: at("12:00"), due }, &locale)
    }

    #[test]
    fn each_run_has_a_bar_at_its_time_and_each_state_a_shape() {
        let runs = [
            run("00:00", Some(4_000), "success"),
            run("03:00", Some(1_800_000), "failed"),
            run("06:00", Some(60_000), "partial"),
            run("11:59", None, "running"),
        ];
        let strip = drawn(&runs, &[], Language::En);
        let shapes: Vec<_> = strip.bars.iter().map(|bar| (bar.x, bar.width, bar.class, bar.cap)).collect();
        assert_eq!(
            shapes,
            [
                (0.0, 4.0, "ok", false),
                (240.0, 40.0, "bad", true),
                (480.0, 4.0, "warn", true),
                (956.0, 4.0, "run", false)
            ]
        );
        assert!(strip.bars[0].height < strip.bars[2].height && strip.bars[2].height < strip.bars[1].height);
        assert!(strip.bars.iter().all(|bar| bar.y >= 12.0 && bar.x + bar.width <= WIDTH));
        assert_eq!(strip.title, "4 runs, 1 failed, 1 done in part");
        let hours: Vec<&str> = strip.hours.iter().map(|(hour, _)| hour.as_str()).collect();
        assert_eq!(hours, ["19:00", "22:00", "01:00", "04:00", "07:00"], "of the zone");
        let svg = Alone { strip: &strip }.render().unwrap();
        assert!(svg.contains("role=\"img\"") && svg.contains("<title") && svg.contains("<desc"), "{svg}");
        assert!(!svg.contains("style="), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 6, "four bars, two with a cap: {svg}");
    }

    #[test]
    fn a_run_that_was_due_and_did_not_come_has_a_tick() {
        let due: Vec<Timestamp> = (0..12).map(|hour| at(&format!("{hour:02}:00"))).collect();
        let runs: Vec<Run> = [0, 1, 2, 5, 6, 7, 8, 9, 10]
            .map(|hour| run(&format!("{hour:02}:01"), Some(4_000), "success"))
            .into();
        let strip = drawn(&runs, &due, Language::Fr);
        // What is due at 11:00 still has time.
        assert_eq!(strip.missed, [240.0, 320.0]);
        assert_eq!(
            strip.title,
            "9\u{a0}exécutions, toutes réussies, 2\u{a0}étaient prévues et n'ont pas eu lieu"
                .replace('\u{a0}', " ")
        );
        // A run that was still in progress at that time counts for it.
        let long = [run("02:30", Some(3 * 3_600_000), "success")];
        assert_eq!(drawn(&long, &due[3..5], Language::Fr).missed, Vec::<f64>::new());
    }

    #[test]
    fn nothing_to_draw_is_said() {
        assert_eq!(drawn(&[], &[], Language::En).title, "No run within the last 24 hours.");
        assert_eq!(
            drawn(&[run("03:00", Some(1), "success")], &[], Language::Fr).title,
            "1 exécution, réussie"
        );
    }
}
