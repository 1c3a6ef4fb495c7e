//! What is said, in both languages. All sentences are in `templates`; here they are filled.

mod templates;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::kind::{Facts, Kind, Occasion};
use crate::config::{Language, Settings};
use crate::display::{Line, Lines};
use crate::time;
use templates::Frame;

/// A message before it goes to a channel: harmless, whatever its facts hold, since nothing else can be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub title: Line,
    /// Some lines.
    pub body: Lines,
}

impl Text {
    /// A message that was written into the outbox: by this program, or by whoever can write there.
    pub(super) fn stored(title: &str, body: &str) -> Text {
        Text { title: title.into(), body: Lines::with_breaks(body) }
    }
}

/// When something is said, and since when it is so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub occasion: Occasion,
    pub opened_at: Timestamp,
    pub at: Timestamp,
}

/// The language, the zone and the account of the messages.
#[derive(Debug, Clone)]
pub struct Words {
    language: Language,
    zone: TimeZone,
    /// Named where it is not the usual one: several accounts may tell the same people.
    schema: Option<String>,
}

impl Words {
    /// Those of the settings.
    pub fn of(settings: &Settings) -> Words {
        Words {
            language: settings.language,
            zone: settings.zone(),
            schema: (settings.schema != "public").then(|| settings.schema.clone()),
        }
    }

    /// What is said of an alert.
    pub(super) fn message(&self, kind: Kind, facts: &Facts, moment: Moment) -> Text {
        let frame = templates::frame(self.language);
        let sentences = templates::of(kind, self.language);
        let head = match moment.occasion {
            Occasion::Started => frame.started,
            Occasion::Reminder => frame.reminder,
            Occasion::Over => frame.over,
        };
        let title = self.titled(&head.replace("{title}", sentences.title));
        let mut body = Lines::new();
        match moment.occasion {
            Occasion::Started | Occasion::Reminder => {
                body.line(self.fill(sentences.now, facts)).line(self.fill(sentences.advice, facts))
            }
            Occasion::Over => body.line(self.fill(sentences.over, facts)),
        };
        if moment.occasion != Occasion::Started {
            body.line(self.since(frame, moment));
        }
        Text { title, body }
    }

    /// What `alerts test` sends.
    pub fn test(&self, at: Timestamp) -> Text {
        let frame = templates::frame(self.language);
        Text {
            title: self.titled(frame.test_title),
            body: frame.test_body.replace("{at}", &time::show_exact(at, &self.zone)).into(),
        }
    }

    /// The title of a kind, for lists.
    pub fn title(&self, kind: Kind) -> &'static str {
        templates::of(kind, self.language).title
    }

    fn titled(&self, title: &str) -> Line {
        match &self.schema {
            Some(schema) => format!("[gazelle-sync {schema}] {title}").into(),
            None => format!("[gazelle-sync] {title}").into(),
        }
    }

    fn since(&self, frame: &Frame, moment: Moment) -> String {
        frame
            .since
            .replace("{since}", &time::show_exact(moment.opened_at, &self.zone))
            .replace("{at}", &time::show_exact(moment.at, &self.zone))
    }

    /// A sentence with its facts; instants in the zone of the settings. A fact that is not there reads as unknown.
    fn fill(&self, template: &str, facts: &Facts) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            text.push_str(before);
            text.push_str(&self.shown(name, facts.get(name)));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn shown(&self, name: &str, fact: Option<&Value>) -> String {
        let frame = templates::frame(self.language);
        match fact {
            Some(Value::String(text)) if name.ends_with("_at") => match text.parse::<Timestamp>() {
                Ok(at) => time::show_exact(at, &self.zone),
                Err(_) => text.clone(),
            },
            // Reasons may quote what a server said. Breaks in it read better as blanks than as signs.
            Some(Value::String(text)) if !text.is_empty() => {
                text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
            }
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null) if name.ends_with("_at") => frame.never.to_owned(),
            _ => frame.unknown.to_owned(),
        }
    }
}

/// The sentences of a kind, for the tests.
#[cfg(test)]
fn all_sentences(kind: Kind) -> [&'static templates::Sentences; 2] {
    [templates::of(kind, Language::En), templates::of(kind, Language::Fr)]
}
