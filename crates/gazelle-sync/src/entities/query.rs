//! GraphQL queries as they are sent. A selection that several queries share is written once, as a fragment.

use std::ops::Deref;
use std::sync::OnceLock;

/// A query with its fragments. What is sent has the fragments expanded, so that a query can be split into parts at
/// any field.
#[derive(Debug)]
pub struct Query {
    text: &'static str,
    written_out: OnceLock<String>,
}

impl Query {
    /// A query, followed by the fragments that it spreads: `concat!(include_str!(…), include_str!(…))`.
    pub const fn new(text: &'static str) -> Query {
        Query { text, written_out: OnceLock::new() }
    }

    /// The document as written, with its fragments.
    pub fn document(&self) -> &'static str {
        self.text
    }
}

impl Deref for Query {
    type Target = str;

    /// The query with its fragments expanded.
    ///
    /// # Panics
    /// If it spreads a fragment that is missing or recursive: a mistake that the unit tests catch.
    fn deref(&self) -> &str {
        self.written_out.get_or_init(|| written_out(self.text))
    }
}

fn written_out(text: &str) -> String {
    let (query, fragments) = match text.find("\nfragment ") {
        Some(at) => text.split_at(at + 1),
        None => (text, ""),
    };
    let mut query = query.trim_end().to_owned();
    // Each pass expands one level of nesting.
    for _ in 0..fragments.matches("fragment ").count() {
        query = one_level(&query, fragments);
    }
    assert!(!query.contains("..."), "invariant: a fragment is missing or spreads itself: {query}");
    query
}

fn one_level(query: &str, fragments: &str) -> String {
    let mut parts = query.split("...");
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let indent: String = written.chars().rev().take_while(|c| *c == ' ').collect();
        let lines: Vec<&str> =
            fields_of(name, fragments).lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        written.push_str(&lines.join(&format!("\n{indent}")));
        written.push_str(rest);
    }
    written
}

/// The text between the braces of a fragment.
fn fields_of<'f>(name: &str, fragments: &'f str) -> &'f str {
    let head = format!("fragment {name} on ");
    let body = fragments
        .split_once(&head)
        .map_or("", |(_, after)| after.split("\nfragment ").next().unwrap_or(after));
    let (begin, end) = (body.find('{'), body.rfind('}'));
    match (begin, end) {
        (Some(begin), Some(end)) => body[begin + 1..end].trim(),
        _ => panic!("invariant: there is no fragment {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_written_out_however_deep_they_are() {
        let query = Query::new(
            "query Q {\n  client {\n    ...ClientFields\n  }\n}\n\
             fragment ClientFields on PrivateClient {\n  id\n  contacts {\n    nodes { ...ContactFields }\n  }\n}\n\
             fragment ContactFields on PrivateContact {\n  id name\n}\n",
        );
        assert_eq!(
            &*query,
            "query Q {\n  client {\n    id\n    contacts {\n      nodes { id name }\n    }\n  }\n}"
        );
        assert_eq!(&*Query::new("query Q { id }"), "query Q { id }");
    }

    #[test]
    #[should_panic(expected = "there is no fragment Missing")]
    fn a_fragment_that_is_not_there_is_a_mistake() {
        let _ = Query::new("query Q { ...Missing }\nfragment Other on T { id }\n").len();
    }

    #[test]
    #[should_panic(expected = "spreads itself")]
    fn a_fragment_that_spreads_itself_is_a_mistake() {
        let _ = Query::new("query Q { ...A }\nfragment A on T { id ...A }\n").len();
    }
}
