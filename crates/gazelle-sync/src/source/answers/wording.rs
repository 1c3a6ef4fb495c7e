//! Reduces text from outside for messages: names, a host, the type and title of a page.

use reqwest::Url;

use crate::display::acts;
use crate::source::transport::attempt::{Body, Reply};

/// The first five names of a list.
pub(super) fn shown(names: &[String]) -> String {
    let more = if names.len() > 5 { ", …" } else { "" };
    format!("{}{more}", names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// Only the host of a redirect's target, because paths and queries of login pages contain session data.
pub(super) fn host_of(location: Option<&str>) -> String {
    match location {
        None => "no address".to_owned(),
        Some(location) => Url::parse(location)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "another path of the same host".to_owned()),
    }
}

/// ` (text/html, "Maintenance")`: the type of a web page and its title, reduced to plain characters.
pub(super) fn page_note(reply: &Reply) -> String {
    let plain = |text: &str, most: usize| -> String {
        let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || " /-_.+".contains(*c));
        kept.take(most).collect::<String>().trim().to_owned()
    };
    let kind =
        reply.content_type.as_deref().and_then(|kind| kind.split(';').next()).map(|kind| plain(kind, 40));
    let Body::Whole(body) = &reply.body else {
        return String::new();
    };
    let head = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let lower = head.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let start = start + "<title>".len();
        let end = start + lower[start..].find("</title>")?;
        Some(plain(&head[start..end], 60))
    });
    match (kind, title.filter(|title| !title.is_empty())) {
        (Some(kind), Some(title)) => format!(" ({kind}, \"{title}\")"),
        (Some(kind), None) => format!(" ({kind})"),
        (None, Some(title)) => format!(" (\"{title}\")"),
        (None, None) => String::new(),
    }
}

/// The longest message of the API that is repeated, in characters.
const LONGEST_REPEATED: usize = 200;

/// A message of the API on one line: without control characters, truncated, and without anything like a token, an
/// address or a quotation (possibly of a record); quoted schema names stay.
pub(super) fn one_line(message: &str) -> String {
    let plain: String = message.chars().map(|c| if acts(c) || is_joiner(c) { ' ' } else { c }).collect();
    let words = without_quotations(&plain);
    let mut line = String::new();
    for word in words.split_whitespace() {
        let word = if looks_private(word) { "…" } else { word };
        let is_first = line.is_empty();
        let room = LONGEST_REPEATED.saturating_sub(line.chars().count() + usize::from(!is_first));
        if word.chars().count() > room {
            // If the first word is too long it is cut; any other is left out.
            line.extend(word.chars().take(if is_first { room } else { 0 }));
            return format!("{line} …");
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Joiners, which scripts and emoji need but API messages do not.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// An address, or a long word of letters and digits, such as a token, a key or a request id.
fn looks_private(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    word.contains('@')
        || word.contains("://")
        || word.chars().count() > 60
        || word.len() >= 20
            && has(char::is_ascii_digit)
            && has(char::is_ascii_alphabetic)
            && !word.contains('_')
}

/// The text with `…` for quoted parts that are not schema names.
fn without_quotations(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '`', '\'', '«', '“']) {
        let (before, quoted) = rest.split_at(at);
        kept.push_str(before);
        let open = quoted.chars().next().unwrap_or_default();
        let inner = &quoted[open.len_utf8()..];
        // An apostrophe follows a letter and is not a quote.
        let is_apostrophe = open == '\'' && before.chars().next_back().is_some_and(char::is_alphanumeric);
        let closers: &[char] = match open {
            '«' => &['»'],
            '“' => &['”', '“'],
            // Ruby's style: `name'
            '`' => &['`', '\''],
            _ => std::slice::from_ref(match open {
                '"' => &'"',
                _ => &'\'',
            }),
        };
        kept.push(open);
        match inner.find(closers).filter(|_| !is_apostrophe) {
            None => rest = inner,
            Some(end) => {
                let close = inner[end..].chars().next().unwrap_or_default();
                let quotation = &inner[..end];
                let is_name = quotation.starts_with(|c: char| c.is_ascii_lowercase())
                    && quotation.len() <= 60
                    && quotation.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                kept.push_str(if is_name { quotation } else { "…" });
                kept.push(close);
                rest = &inner[end + close.len_utf8()..];
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_repeated_in_one_line_without_what_is_private() {
        for (message, shown) in [
            (
                "Query has complexity of 190, which exceeds max complexity of 100",
                "Query has complexity of 190, which exceeds max complexity of 100",
            ),
            ("undefined method `strip' for nil", "undefined method `strip' for nil"),
            ("Client 'Jean Tremblay' isn't valid", "Client '…' isn't valid"),
            ("Client \"Jean Tremblay\n\": no", "Client \"…\": no"),
            ("no mail to jean@example.org\u{1b}[31m\u{202e}", "no mail to … [31m"),
            ("key 7f3a9c7f3a9c7f3a9c7f3a9c is bad", "key … is bad"),
            ("see https://example.org/a?b=c", "see …"),
            ("", ""),
        ] {
            assert_eq!(one_line(message), shown);
        }
        let long = one_line(&"word ".repeat(1_000));
        assert!(long.chars().count() <= LONGEST_REPEATED + 2 && long.ends_with('…'), "{long}");
        // Not in the middle of a word.
        assert!(one_line(&"wordy ".repeat(1_000)).ends_with("wordy wordy …"));
        assert_eq!(one_line(&"é'".repeat(300)).chars().count(), 1);
    }
}
