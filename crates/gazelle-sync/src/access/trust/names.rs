//! Names and lists in messages that contain SQL.

use std::collections::HashSet;

use crate::db::quote;

/// How many of a list are said; the rest is counted.
const SAID: usize = 20;

/// Words that the server reads otherwise unless they are quoted: a role may be called `current_user`.
const RESERVED: &str = " all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate \
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema current_time \
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant \
    group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp \
    natural none not notnull null offset on only or order outer overlaps placing primary references returning right select \
    session_user similar some symmetric system_user table tablesample then to trailing true union unique user using variadic verbose \
    when where window with ";

/// An identifier, quoted only if it must be.
pub fn plain(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&format!(" {name} "));
    if is_plain { name.to_owned() } else { quote(name) }
}

/// The first of these in their order, each once, and how many more there are: anybody may make thousands.
pub(in crate::access) fn listed<'a>(all: impl IntoIterator<Item = &'a str>, between: &str) -> String {
    let mut seen = HashSet::new();
    let mut said = Vec::new();
    for one in all {
        if seen.insert(one) && said.len() < SAID {
            said.push(one);
        }
    }
    let more = match seen.len() - said.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("{}{more}", said.join(between))
}

#[cfg(test)]
mod tests {
    use super::{listed, plain};

    #[test]
    fn a_name_is_quoted_where_the_server_would_read_it_otherwise() {
        for (name, said) in [
            ("gazelle_owner", "gazelle_owner"),
            ("current_user", "\"current_user\""),
            ("public", "public"),
            ("user", "\"user\""),
            ("a; b", "\"a; b\""),
            ("a\"b", "\"a\"\"b\""),
            ("Boss (main)", "\"Boss (main)\""),
            ("", "\"\""),
        ] {
            assert_eq!(plain(name), said);
        }
    }

    #[test]
    fn of_a_long_list_the_first_twenty_are_said_each_once_and_the_rest_is_counted() {
        let names: Vec<String> = (0..20_000).map(|i| format!("r{}", i % 10_000)).collect();
        let said = listed(names.iter().map(String::as_str), ", ");
        assert!(said.starts_with("r0, r1, r2, ") && said.ends_with(", r19 (and 9980 more)"), "{said}");
        assert_eq!(listed(["b", "a", "b"], "; "), "b; a");
        assert_eq!(listed([], "; "), "");
    }
}
