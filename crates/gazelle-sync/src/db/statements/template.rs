//! Fills the names of a declaration's tables and columns into SQL text with placeholders such as `{table}`.

use std::borrow::Cow;

/// Placeholders left for [`Db::sql`](crate::db::Db::sql) to fill in.
const LATER: [&str; 2] = ["schema", "schema_text"];
/// The deepest nesting of values within values; ours are two deep.
const DEEPEST: usize = 8;

/// A statement and the values of its placeholders. A value is filled in too, so it may be a piece of SQL with
/// placeholders. Values come from declarations, never from data, which is passed as parameters.
#[derive(Debug)]
pub struct Template<'t> {
    text: &'t str,
    values: Vec<(&'static str, Cow<'t, str>)>,
}

impl<'t> Template<'t> {
    /// A statement without values yet.
    pub fn new(text: &'t str) -> Template<'t> {
        Template { text, values: Vec::new() }
    }

    /// Sets the value of a placeholder. The statement need not contain it.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'t, str>>) -> Template<'t> {
        self.values.push((name, value.into()));
        self
    }

    /// The filled statement; `{schema}` and `{schema_text}` stay.
    ///
    /// # Panics
    /// If a placeholder has no value: a mistake that the test which prepares all statements catches.
    pub fn fill(&self) -> String {
        self.filled(self.text, 0)
    }

    fn filled(&self, text: &str, depth: usize) -> String {
        assert!(depth < DEEPEST, "invariant: a value holds itself: {text}");
        let mut parts = text.split('{');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let Some((name, rest)) = part.split_once('}').filter(|(name, _)| is_name(name)) else {
                // A brace that belongs to SQL, such as that of an array literal.
                filled.push('{');
                filled.push_str(part);
                continue;
            };
            match self.values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => filled.push_str(&self.filled(value, depth + 1)),
                None if LATER.contains(&name) => filled.push_str(&format!("{{{name}}}")),
                None => panic!("invariant: nothing fills {{{name}}} in {}", self.text),
            }
            filled.push_str(rest);
        }
        filled
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_filled_by_its_name_in_any_order_also_within_values() {
        let template = Template::new("SELECT {key_match}, {key}, '{}'::text[] FROM {schema}.{table}")
            .with("key", "id")
            .with("key_match", "a.{key} = b.{key}")
            .with("table", "t")
            .with("unused", "");
        assert_eq!(template.fill(), "SELECT a.id = b.id, id, '{}'::text[] FROM {schema}.t");
    }

    #[test]
    #[should_panic(expected = "nothing fills {tabel}")]
    fn a_place_that_nothing_fills_is_a_mistake() {
        Template::new("SELECT * FROM {tabel}").with("table", "t").fill();
    }

    #[test]
    #[should_panic(expected = "a value holds itself")]
    fn a_value_that_holds_itself_is_a_mistake() {
        Template::new("{a}").with("a", "{b}").with("b", "{a}").fill();
    }
}
