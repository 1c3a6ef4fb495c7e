//! How foreign text gets into a message: names, a host, the kind and title of a page; all cut down, nothing else.

use reqwest::Url;

use super::attempt::{Body, Reply};

/// The first few names of a list for a message.
pub(super) fn shown(names: &[String]) -> String {
    let more = if names.len() > 5 { ", …" } else { "" };
    format!("{}{more}", names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// Only the host of a redirect's target: paths and queries of login pages carry session data.
pub(super) fn host_of(location: Option<&str>) -> String {
    match location {
        None => "no address".to_owned(),
        Some(location) => Url::parse(location)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "another path of the same host".to_owned()),
    }
}

/// ` (text/html, "Maintenance")`: all that is told of a page; the title is cut down to plain characters.
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
