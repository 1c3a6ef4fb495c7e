//! Draws the timeline of a run: one bar per request, concurrent requests in rows below each other, stage 2 in the last row.

use jiff::{SignedDuration, Timestamp};

use super::path::Path;
use super::scale::{TimeScale, rounded};
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;

/// The drawing's own units; the page stretches it.
pub(crate) const WIDTH: f64 = 960.0;
/// The height of a row, and of the bar in it.
const ROW: f64 = 14.0;
const BAR: f64 = 10.0;
/// Bars are never thinner.
const THINNEST: f64 = 2.0;
/// The most rows: as many requests as four walks with four windows each make at a time. What does not fit is in the last.
const MOST_ROWS: usize = 16;

/// A request to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) sequence: i32,
    pub(crate) started_at: Timestamp,
    /// Of its last attempt.
    pub(crate) latency_ms: i64,
    pub(crate) is_retried: bool,
    pub(crate) is_answered: bool,
}

/// What is drawn of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneChartData<'r> {
    /// In the order of their numbers.
    pub(crate) requests: &'r [Request],
    /// How many the run made.
    pub(crate) all: i64,
    /// What stage 2 took of each entity, in milliseconds, in the order in which it took them.
    pub(crate) stage_two: &'r [(String, i64)],
}

/// The drawing.
#[derive(Debug, Clone)]
pub(crate) struct RequestTimeline {
    pub(crate) title: String,
    pub(crate) desc: String,
    /// The height of its rows.
    pub(crate) height: f64,
    pub(crate) plain: Path,
    pub(crate) retried: Path,
    pub(crate) failed: Path,
    /// Five places along the axis, in seconds after the first of the requests.
    pub(crate) seconds: Vec<String>,
    pub(crate) stage_two: Option<StageTwo>,
}

/// Stage 2, along the same seconds.
#[derive(Debug, Clone)]
pub(crate) struct StageTwo {
    pub(crate) title: String,
    pub(crate) path: Path,
    /// A sentence with what it took of each entity.
    pub(crate) took: String,
}

impl RequestTimeline {
    /// Draws requests; none without any.
    pub(crate) fn draw(drawn: LaneChartData<'_>, t: &Locale) -> Option<RequestTimeline> {
        let mut requests = drawn.requests.to_vec();
        requests.sort_by_key(|request| (request.started_at, request.sequence));
        let from = requests.first()?.started_at;
        let to = requests.iter().map(end).max().unwrap_or(from);
        let together: i64 = drawn.stage_two.iter().fold(0, |sum, (_, ms)| sum.saturating_add((*ms).max(0)));
        let requested = i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX);
        // Both parts have one scale, so that their lengths can be compared.
        let span = requested.max(together).max(1);
        let until = from.checked_add(SignedDuration::from_millis(span)).unwrap_or(Timestamp::MAX);
        let scale = TimeScale::new(from, until, WIDTH);
        let rows = rows(&requests);
        let (mut plain, mut retried, mut failed) = (Path::default(), Path::default(), Path::default());
        for (request, row) in requests.iter().zip(&rows) {
            let path = match request {
                Request { is_answered: false, .. } => &mut failed,
                Request { is_retried: true, .. } => &mut retried,
                Request { .. } => &mut plain,
            };
            let x = scale.place(request.started_at).min(WIDTH - THINNEST);
            let width = (scale.place(end(request)) - x).max(THINNEST);
            path.rectangle(x, *row as f64 * ROW + (ROW - BAR) / 2.0, width, BAR);
        }
        Some(RequestTimeline {
            title: title(drawn, &t.milliseconds(requested), t),
            desc: t.say(w::LANES_DESC).into_owned(),
            height: rounded(rows.iter().max().map_or(1, |most| most + 1) as f64 * ROW),
            plain,
            retried,
            failed,
            seconds: (0..5)
                .map(|quarter| t.milliseconds(span / 4 * quarter + span % 4 * quarter / 4))
                .collect(),
            stage_two: stage_two(drawn.stage_two, span, t),
        })
    }
}

/// When the last answer would have come, had the request not been tried before: waits are not recorded.
fn end(request: &Request) -> Timestamp {
    let latency = SignedDuration::from_millis(request.latency_ms.max(0));
    request.started_at.checked_add(latency).unwrap_or(Timestamp::MAX)
}

/// The row of each request: the first one that is free when it begins.
fn rows(requests: &[Request]) -> Vec<usize> {
    let mut free_from: Vec<Timestamp> = Vec::new();
    let row = |request: &Request| {
        let free = free_from.iter().position(|free| *free <= request.started_at);
        let row = match free {
            Some(row) => row,
            None if free_from.len() < MOST_ROWS => {
                free_from.push(request.started_at);
                free_from.len() - 1
            }
            None => MOST_ROWS - 1,
        };
        free_from[row] = free_from[row].max(end(request));
        row
    };
    requests.iter().map(row).collect()
}

fn stage_two(took: &[(String, i64)], span: i64, t: &Locale) -> Option<StageTwo> {
    let mut path = Path::default();
    let mut all = 0_i64;
    for (_, ms) in took {
        let share = |ms: i64| ms as f64 / span as f64 * WIDTH;
        // A gap between two of them.
        let width = (share((*ms).max(0)) - 1.0).max(THINNEST);
        path.rectangle(share(all).min(WIDTH - width), (ROW - BAR) / 2.0, width, BAR);
        all = all.saturating_add((*ms).max(0));
    }
    let each: Vec<String> = took.iter().map(|(name, ms)| format!("{name} {}", t.milliseconds(*ms))).collect();
    let title = t.fill(w::STAGE_TWO, &[("took", &t.milliseconds(all))]);
    let took = t.fill(w::STAGE_TWO_OF, &[("took", &each.join(", "))]);
    (!each.is_empty()).then_some(StageTwo { title, path, took })
}

/// `70 requests within 4.2 s, 3 were tried again`
fn title(drawn: LaneChartData<'_>, span: &str, t: &Locale) -> String {
    let shown = drawn.requests.len() as i64;
    let bounds = drawn.requests.first().zip(drawn.requests.last());
    let drawn_of = match bounds {
        Some((first, last)) if shown < drawn.all => {
            let numbers = [first.sequence, last.sequence].map(|number| t.number(number));
            let all = t.number(drawn.all);
            let facts = [("first", &*numbers[0]), ("last", &*numbers[1]), ("all", &*all), ("span", span)];
            t.fill(w::LANES_SOME, &facts)
        }
        _ => {
            let said = w::LANES_ALL.of(shown, t.language);
            t.fill(said, &[("n", &t.number(shown)), ("span", span)])
        }
    };
    let number = |of: fn(&Request) -> bool| drawn.requests.iter().filter(|one| of(one)).count() as i64;
    let (retried, failed) = (number(|one| one.is_retried), number(|one| !one.is_answered));
    let mut parts = vec![drawn_of];
    parts.push(match retried {
        0 => t.say(w::LANES_NO_RETRY).into_owned(),
        retried => t.count(w::LANES_RETRIED, retried),
    });
    parts.extend((failed > 0).then(|| t.count(w::LANES_FAILED, failed)));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/lanes.html")]
    struct Alone<'l> {
        lanes: &'l RequestTimeline,
    }

    fn locale(language: Language) -> Locale {
        let now = "2026-11-24T19:15:00Z".parse().unwrap();
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), now)
    }

    fn request(sequence: i32, started_ms: i64, latency_ms: i64, attempts: i32) -> Request {
        let start: Timestamp = "2026-11-24T19:00:00Z".parse().unwrap();
        Request {
            sequence,
            started_at: start + SignedDuration::from_millis(started_ms),
            latency_ms,
            is_retried: attempts > 1,
            is_answered: attempts > 0,
        }
    }

    fn drawn(
        requests: &[Request],
        all: i64,
        stage_two: &[(String, i64)],
        language: Language,
    ) -> RequestTimeline {
        RequestTimeline::draw(LaneChartData { requests, all, stage_two }, &locale(language)).unwrap()
    }

    #[test]
    fn requests_at_the_same_time_are_below_each_other_and_those_in_a_row_follow_each_other() {
        let requests = [
            request(1, 0, 1_000, 1),
            request(2, 100, 300, 1),
            request(3, 400, 500, 2),
            request(4, 1_000, 1_000, 1),
            // Cut off before its first attempt.
            request(5, 1_500, 0, 0),
        ];
        assert_eq!(rows(&requests), [0, 1, 1, 0, 1]);
        let took = [("Clients".to_owned(), 500), ("Pianos".to_owned(), 250)];
        let lanes = drawn(&requests, 5, &took, Language::En);
        assert_eq!(
            lanes.title.replace('\u{a0}', " "),
            "5 requests within 2.0 s, 1 was tried again, 1 got no answer"
        );
        assert_eq!(lanes.plain.rectangles().len() + lanes.retried.rectangles().len(), 4);
        assert_eq!(lanes.plain.rectangles()[0], [0.0, 2.0, 480.0, 10.0]);
        assert_eq!(lanes.failed.rectangles(), [[720.0, 16.0, 2.0, 10.0]]);
        assert_eq!(lanes.height, 28.0);
        let seconds: Vec<String> = lanes.seconds.iter().map(|text| text.replace('\u{a0}', " ")).collect();
        assert_eq!(seconds, ["0 ms", "500 ms", "1.0 s", "1.5 s", "2.0 s"]);
        let two = lanes.stage_two.unwrap();
        assert_eq!(two.path.rectangles(), [[0.0, 2.0, 239.0, 10.0], [240.0, 2.0, 119.0, 10.0]]);
    }

    #[test]
    fn of_a_long_run_it_is_said_which_requests_are_drawn() {
        let requests: Vec<Request> = (201..=400).map(|n| request(n, i64::from(n) * 50, 40, 1)).collect();
        let lanes = drawn(&requests, 4_321, &[], Language::Fr);
        assert_eq!(
            lanes.title.replace('\u{a0}', " "),
            "Requêtes 201 à 400 sur 4 321, en 10,0 s, aucune n'a été reprise"
        );
        assert!(lanes.stage_two.is_none());
        assert!(
            RequestTimeline::draw(
                LaneChartData { requests: &[], all: 0, stage_two: &[] },
                &locale(Language::En)
            )
            .is_none()
        );
    }

    #[test]
    fn a_small_case_is_drawn_so() {
        let requests = [request(1, 0, 1_000, 1), request(2, 100, 300, 3), request(3, 500, 400, 0)];
        let lanes = drawn(&requests, 3, &[("Clients".to_owned(), 700)], Language::Fr);
        insta::assert_snapshot!(Alone { lanes: &lanes }.render().unwrap());
    }

    proptest! {
        #[test]
        fn whatever_was_recorded_every_request_has_a_bar_inside(
            requests in proptest::collection::vec((0..100_000_i64, any::<i64>(), 0..4_i32), 1..200),
            took in proptest::collection::vec(any::<i64>(), 0..5),
        ) {
            let requests: Vec<Request> = requests
                .iter()
                .zip(1..)
                .map(|((start, ms, attempts), n)| request(n, *start, *ms % 10_000_000_000, *attempts))
                .collect();
            let took: Vec<(String, i64)> = took.into_iter().map(|ms| (String::new(), ms)).collect();
            let lanes = drawn(&requests, requests.len() as i64, &took, Language::En);
            let all = [lanes.plain.rectangles(), lanes.retried.rectangles(), lanes.failed.rectangles()].concat();
            prop_assert_eq!(all.len(), requests.len(), "the table lists as many");
            for [x, y, width, height] in all {
                prop_assert!(x >= 0.0 && x + width <= WIDTH + 0.2 && y >= 0.0 && y + height <= lanes.height);
            }
            let two = lanes.stage_two.map(|two| two.path.rectangles()).unwrap_or_default();
            prop_assert_eq!(two.len(), took.len());
            prop_assert!(two.iter().all(|bar| bar[0] >= 0.0 && bar[0] + bar[2] <= WIDTH + 0.2));
        }
    }
}
