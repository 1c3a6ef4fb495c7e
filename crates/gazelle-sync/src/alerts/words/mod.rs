//! Builds the text of messages in both languages. `templates` has the sentences; this module fills in the facts.

mod templates;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::kind::{Facts, Kind, Occasion};
use crate::config::{Language, Settings};
use crate::display::{Line, Lines};
use crate::entities;
use crate::time;
use templates::Frame;

/// The text of a message. Safe to show whatever its facts contain: `Line` and `Lines` escape control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub title: Line,
    /// One or more lines.
    pub body: Lines,
}

impl Text {
    /// The text of a message in the outbox, which another program may have written.
    pub(super) fn stored(title: &str, body: &str) -> Text {
        Text { title: title.into(), body: Lines::with_breaks(body) }
    }
}

/// The times that a message names, and why it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageContext {
    pub occasion: Occasion,
    pub opened_at: Timestamp,
    pub at: Timestamp,
}

/// What the mail with a one-time link says.
#[derive(Clone, Copy)]
pub struct InvitationText<'t> {
    /// Who is invited.
    pub name: &'t str,
    /// The whole address of the link. It is a secret.
    pub link: &'t str,
    /// When the link expires, UTC.
    pub expires_at: Timestamp,
}

/// The language, time zone and schema of the messages.
#[derive(Debug, Clone)]
pub struct Words {
    language: Language,
    zone: TimeZone,
    /// `None` for the default schema. Others are named, because several accounts may report to the same people.
    schema: Option<String>,
}

impl Words {
    /// From the settings.
    pub fn of(settings: &Settings) -> Words {
        Words {
            language: settings.language,
            zone: settings.zone(),
            schema: (settings.schema != "public").then(|| settings.schema.clone()),
        }
    }

    /// The same in another language, without the schema's name: a page names it once.
    pub(super) fn speaking(self, language: Language) -> Words {
        Words { language, schema: None, ..self }
    }

    /// A problem that exists now, for a page: its title, what it is, and what to do.
    pub(super) fn problem(&self, kind: Kind, facts: &Facts, at: Timestamp) -> Text {
        let context = MessageContext { occasion: Occasion::Started, opened_at: at, at };
        let told = self.message(kind, facts, context);
        Text { title: self.title(kind).into(), body: told.body }
    }

    /// The message about an alert.
    pub(super) fn message(&self, kind: Kind, facts: &Facts, context: MessageContext) -> Text {
        let frame = templates::frame(self.language);
        let sentences = templates::of(kind, self.language);
        let head = match context.occasion {
            Occasion::Started => frame.started,
            Occasion::Reminder => frame.reminder,
            Occasion::Over => frame.over,
        };
        let title = self.titled(&self.set(head).replace("{title}", sentences.title));
        let mut body = Lines::new();
        match context.occasion {
            Occasion::Started | Occasion::Reminder => {
                body.line(self.fill(sentences.now, facts)).line(self.fill(sentences.advice, facts))
            }
            Occasion::Over => body.line(self.fill(sentences.over, facts)),
        };
        if context.occasion != Occasion::Started {
            body.line(self.since(frame, context));
        }
        Text { title, body }
    }

    /// The message of `alerts test`.
    pub fn test(&self, at: Timestamp) -> Text {
        let frame = templates::frame(self.language);
        Text {
            title: self.titled(frame.test_title),
            body: frame.test_body.replace("{at}", &time::show_exact(at, &self.zone)).into(),
        }
    }

    /// The mail with somebody's one-time link, which stands alone on its line.
    pub(super) fn invitation(&self, about: InvitationText<'_>) -> Text {
        let frame = templates::frame(self.language);
        let until = time::show_exact(about.expires_at, &self.zone);
        let mut body = Lines::new();
        body.line(self.set(frame.invitation_before).replace("{name}", about.name)).blank();
        body.line(about.link.to_owned()).blank();
        body.line(self.set(frame.invitation_after).replace("{until}", &until));
        Text { title: self.titled(frame.invitation_title), body }
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

    fn since(&self, frame: &Frame, context: MessageContext) -> String {
        self.set(frame.since)
            .replace("{since}", &time::show_exact(context.opened_at, &self.zone))
            .replace("{at}", &time::show_exact(context.at, &self.zone))
    }

    /// A sentence as it is written in Québec, where the space before a colon does not break; the source shows every space.
    fn set<'t>(&self, sentence: &'t str) -> Cow<'t, str> {
        match self.language {
            Language::Fr if sentence.contains(" :") => Cow::Owned(sentence.replace(" :", "\u{a0}:")),
            _ => Cow::Borrowed(sentence),
        }
    }

    /// Replaces the placeholders of a sentence: `{name}` by a fact, `{name:one|many}` by a number and the words for one or for
    /// many. Timestamps are shown in the configured time zone; a missing fact reads as unknown.
    fn fill(&self, template: &str, facts: &Facts) -> String {
        let template = self.set(template);
        let mut text = String::new();
        let mut rest = template.as_ref();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            text.push_str(before);
            let (name, words) = name.split_once(':').unwrap_or((name, ""));
            text.push_str(&self.shown(name, facts.get(name)));
            if let Some((one, many)) = words.split_once('|') {
                text.push(' ');
                text.push_str(if self.is_one(facts.get(name)) { one } else { many });
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// Whether a number takes the words for one; in French, none does too.
    fn is_one(&self, number: Option<&Value>) -> bool {
        match number.and_then(Value::as_i64) {
            Some(0) => self.language == Language::Fr,
            number => number == Some(1),
        }
    }

    /// Entities with or without their numbers (`appointments 12, clients 3`), by the names that the language has for them.
    fn labels(&self, entities: &str) -> String {
        let label = |one: &str| {
            let (name, number) = one.split_once(' ').unwrap_or((one, ""));
            let label = entities::entity(name)
                .map_or_else(|| name.to_owned(), |entity| entity.label.fr.to_lowercase());
            if number.is_empty() { label } else { format!("{label}\u{a0}: {number}") }
        };
        entities.split(", ").map(label).collect::<Vec<_>>().join(", ")
    }

    fn shown(&self, name: &str, fact: Option<&Value>) -> String {
        let frame = templates::frame(self.language);
        match fact {
            // Only what we wrote ourselves has this form; anything else is shown as it is below.
            Some(Value::String(text)) if self.language == Language::Fr && is_list(name, text) => {
                self.labels(text)
            }
            Some(Value::String(text)) if name.ends_with("_at") => match text.parse::<Timestamp>() {
                Ok(at) => time::show_exact(at, &self.zone),
                Err(_) => text.clone(),
            },
            // Reasons may quote a server's answer. A line break in it reads better as a space than as an escape.
            Some(Value::String(text)) if !text.is_empty() => {
                text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
            }
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null) if name.ends_with("_at") => frame.never.to_owned(),
            _ => frame.unknown.to_owned(),
        }
    }
}

/// Whether a fact is a list of entities, as the conditions write it.
fn is_list(name: &str, text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_, ".contains(&byte);
    matches!(name, "by_entity" | "entities") && !text.is_empty() && text.bytes().all(is_plain)
}

/// The title of a kind in a language.
pub(super) fn title(kind: Kind, language: Language) -> &'static str {
    templates::of(kind, language).title
}

/// The English and French sentences of a kind, for the tests.
#[cfg(test)]
fn all_sentences(kind: Kind) -> [&'static templates::Sentences; 2] {
    [templates::of(kind, Language::En), templates::of(kind, Language::Fr)]
}
