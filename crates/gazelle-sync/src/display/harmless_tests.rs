//! Property tests: any text in any position yields no control character and no extra line, and JSON decodes to the
//! original.

use proptest::prelude::*;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

use super::safe::acts;
use super::*;

/// Characters of all kinds, control characters more often than others, sometimes very many.
fn any_text() -> impl Strategy<Value = String> {
    let harmful = prop::sample::select(vec![
        '\0',
        '\u{7}',
        '\u{8}',
        '\t',
        '\n',
        '\r',
        '\u{b}',
        '\u{c}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{9d}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{3164}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0001}',
        '\u{e0041}',
    ]);
    let usual = prop::sample::select("aé [31m];{}\\\"'&<>|─日👩\u{200d}🔧".chars().collect::<Vec<_>>());
    let one = prop_oneof![3 => harmful, 3 => usual, 1 => any::<char>()];
    let short = prop::collection::vec(one, 0..60).prop_map(|chars| chars.into_iter().collect::<String>());
    (short, prop_oneof![9 => Just(1_usize), 1 => Just(10_000)]).prop_map(|(text, times)| {
        text.chars().cycle().take(text.chars().count().max(times * usize::from(!text.is_empty()))).collect()
    })
}

fn harmful_in(text: &str) -> Option<char> {
    text.chars().find(|c| acts(*c) && *c != '\n')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_line_is_one_line(text in any_text()) {
        let line = Line::from(&text);
        prop_assert!(!line.as_str().chars().any(acts), "{line:?}");
        // Harmless text stays unchanged, and escaping twice changes nothing.
        if !text.chars().any(acts) {
            prop_assert_eq!(line.as_str(), &text);
        }
        prop_assert_eq!(Line::from(line.as_str()), line);
    }

    #[test]
    fn lines_are_as_many_as_were_added(first in any_text(), second in any_text()) {
        let mut lines = Lines::new();
        lines.line(format!("1 {first}")).line(format!("2 {second}")).line("end");
        prop_assert_eq!(harmful_in(lines.as_str()), None);
        prop_assert_eq!(lines.as_str().lines().count(), 3);
        let one: Lines = first.as_str().into();
        prop_assert!(one.as_str().lines().count() <= 1);
        let kept = Lines::with_breaks(&first);
        prop_assert_eq!(harmful_in(&kept.as_str().replace('\t', " ")), None);
    }

    #[test]
    fn a_cell_never_becomes_two_rows(id in any_text(), reason in any_text(), heading in any_text()) {
        let mut table = Table::new([Column::ids("id"), Column::text(&heading), Column::number("n")]);
        table.row(["first", "", "1"]).row([&id, &reason, "2"]).row(["last", "", "3"]);
        let text = table.render_as(None, false);
        prop_assert_eq!(harmful_in(text.as_str()), None);
        // A heading, a separator, and one line for each row.
        prop_assert_eq!(text.as_str().lines().count(), 5, "{}", text);
    }

    #[test]
    fn a_narrow_table_keeps_its_columns(id in any_text(), reason in any_text()) {
        let mut table = Table::new([Column::ids("id"), Column::text("reason")]);
        table.row([&id, &reason]);
        let text = table.render_as(Some(60), true).to_string().replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
        prop_assert_eq!(harmful_in(&text), None, "{}", text);
    }

    #[test]
    fn a_document_gives_back_what_it_was_made_of(text in any_text(), name in any_text()) {
        let value = json!({ &name: [text, { "a": &name }], "n": 1 });
        for document in [Document::indented(&value).unwrap(), Document::in_one_line(&value)] {
            prop_assert_eq!(harmful_in(document.as_str()), None);
            prop_assert_eq!(serde_json::from_str::<Value>(document.as_str()).unwrap(), value.clone());
        }
        prop_assert_eq!(Document::in_one_line(&value).as_str().lines().count(), 1);
    }

    #[test]
    fn a_bound_is_one_for_every_text(text in any_text(), most in 1_usize..200) {
        let mut value = json!({ &text: [&text], "short": "short" });
        bounded(&mut value, most.max(5));
        let longest = |text: &str| text.chars().count() <= most.max(5) + 2;
        let fields = value.as_object().unwrap();
        let all = fields.iter().all(|(name, value)| {
            longest(name) && value.as_str().or(value[0].as_str()).is_none_or(longest)
        });
        prop_assert!(all, "{}", value);
        prop_assert_eq!(value["short"].as_str(), Some("short"));
    }

    #[test]
    fn an_event_of_the_log_is_one_harmless_line(text in any_text()) {
        for (line, colours) in [(LogLine::Json, false), (LogLine::Text, false), (LogLine::Coloured, true)] {
            let written = log_of(line, colours, &text);
            let lines: Vec<&str> = written.split_terminator('\n').collect();
            prop_assert_eq!(lines.len(), 2, "{:?}", written);
            for line in &lines {
                // Colour sequences are the only ones allowed.
                let plain = match colours {
                    true => without_colours(line),
                    false => (*line).to_owned(),
                };
                prop_assert_eq!(harmful_in(&plain), None, "{:?}", line);
            }
            if line == LogLine::Json {
                let event: Value = serde_json::from_str(lines[0]).unwrap();
                prop_assert_eq!(event["fields"]["message"].as_str(), Some(text.as_str()));
                prop_assert_eq!(event["fields"]["shown"].as_str(), Some(text.as_str()));
                prop_assert_eq!(event["span"]["id"].as_str(), Some(text.as_str()));
            }
        }
    }
}

/// The colour sequences of the formatter: `ESC [ … m` with a few digits.
fn without_colours(line: &str) -> String {
    let mut plain = line.to_owned();
    for colour in ["0", "1", "2", "3", "31", "33", "32", "34", "35", "36"] {
        plain = plain.replace(&format!("\u{1b}[{colour}m"), "");
    }
    plain
}

/// A log writer for tests, with the escaping of the real one.
#[derive(Clone)]
struct Written {
    to: std::sync::Arc<std::sync::Mutex<String>>,
    line: LogLine,
}

impl std::io::Write for Written {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        self.to.lock().unwrap().push_str(&self.line.harmless(event));
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log output of two events that contain a text as message, as a field and in their span.
fn log_of(line: LogLine, colours: bool, text: &str) -> String {
    let written = Written { to: std::sync::Arc::default(), line };
    let to = written.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || to.clone());
    let say = || {
        let span = tracing::info_span!("run", id = %text);
        let _in_span = span.enter();
        tracing::warn!(shown = %text, debugged = ?text, "{text}");
        tracing::error!("after it");
    };
    match line {
        LogLine::Json => {
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer.json()), say);
        }
        _ => {
            let layer = layer.fmt_fields(LogFields).with_ansi(colours);
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        }
    }
    written.to.lock().unwrap().clone()
}

#[test]
fn what_scripts_and_emoji_need_stays() {
    let text = "Forêt d’été, Ωμέγα, 👩🏽\u{200d}🔧, می\u{200c}خواهم, ❤\u{fe0f}";
    assert_eq!(Line::from(text).as_str(), text);
    assert_eq!(Document::in_one_line(&json!(text)).as_str(), format!("\"{text}\""));
}

#[test]
fn white_space_of_raw_json_stays_white_space() {
    let raw = serde_json::value::RawValue::from_string("{\r\n\t\"a\":\t\"\u{9b}\"}".to_owned()).unwrap();
    let document = Document::indented(&json!({ "b": 1 })).unwrap();
    assert_eq!(document.as_str(), "{\n  \"b\": 1\n}");
    let document = Document::indented(&raw).unwrap();
    assert_eq!(serde_json::from_str::<Value>(document.as_str()).unwrap(), json!({ "a": "\u{9b}" }));
    assert_eq!(harmful_in(document.as_str()), None);
    assert_eq!(Document::of_json(raw.get()).as_str().lines().count(), 1);
}

#[test]
fn a_long_id_stands_whole_in_its_row_and_a_text_without_end_is_cut() {
    let id = "x".repeat(10_000);
    let mut table = Table::new([Column::ids("id"), Column::text("reason")]);
    table.row([&id, &"é\u{202e}".repeat(50_000)]);
    let text = table.render_as(None, false).to_string();
    assert_eq!(text.lines().count(), 3);
    assert!(text.contains(&id) && text.ends_with('…'));
}

#[test]
fn a_narrow_terminal_may_stack_two_lines_and_no_text_may() {
    let mut table = Table::new([Column::text("entity, state")]);
    table.row([Cell::stacked("users\nforged", "open\nforged")]);
    let text = table.render_as(None, false).to_string();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("users␊forged"), "{text}");
}
