//! The differences between two schemas, as far as our queries use them. None of them stops a run, because values
//! are stored as received.

use super::schema::{Kind, Types};
use crate::run_log::report::RunWarning;

/// The warning codes for changes of the API.
pub const CODES: &[&str] = &[
    "type_changed",
    "new_enum_value",
    "new_argument",
    "new_field",
    "enum_value_gone",
    "argument_gone",
    "field_gone",
    "needed_elsewhere",
];

/// The changes, by type and member. `root` is the type of the query root, of which both sides contain only what the
/// program of their time requested.
pub fn changes(before: &Types, now: &Types, root: &str) -> Vec<RunWarning> {
    let mut changes = Vec::new();
    for (name, kind) in now {
        if let Some(held) = before.get(name) {
            type_changes(name, held, kind, name == root, &mut changes);
        }
    }
    changes
}

fn type_changes(name: &str, before: &Kind, now: &Kind, is_root: bool, changes: &mut Vec<RunWarning>) {
    let mut note = |code, member: &str, what: String| {
        let subject = format!("{name}.{member}");
        changes.push(RunWarning { code, message: format!("the API has changed: {subject} {what}"), subject });
    };
    let is_enum = now.kind == "ENUM";
    for (member, ty) in &now.members {
        match before.members.get(member) {
            Some(held) if held == ty => {}
            Some(held) => note("type_changed", member, format!("was {held} and is {ty}")),
            None if is_root => {}
            None if is_enum => {
                note("new_enum_value", member, "is a new value, stored as it comes".to_owned())
            }
            // The arguments of a new field are not reported separately.
            None => match member.split_once('(') {
                Some((field, _)) if before.members.contains_key(field) => {
                    note("new_argument", member, format!("is a new argument, {ty}"));
                }
                Some(_) => {}
                None => note("new_field", member, format!("is a new field, {ty}, that no query asks for")),
            },
        }
    }
    for member in before.members.keys().filter(|member| !is_root && !now.members.contains_key(*member)) {
        match (is_enum, member.split_once('(')) {
            (true, _) => note("enum_value_gone", member, "is no value any more".to_owned()),
            (false, Some((field, _))) if now.members.contains_key(field) => {
                note("argument_gone", member, "is no argument any more".to_owned());
            }
            (false, Some(_)) => {}
            (false, None) => note("field_gone", member, "is gone".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(kind: &str, members: &[(&str, &str)]) -> Types {
        let members = members.iter().map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned())).collect();
        Types::from([("T".to_owned(), Kind { kind: kind.to_owned(), members })])
    }

    #[test]
    fn each_kind_of_change_has_its_code_and_names_its_subject() {
        let before =
            types("OBJECT", &[("a", "Int"), ("b", "Int"), ("b(x)", "Int"), ("c", "Int"), ("c(x)", "Int")]);
        let now =
            types("OBJECT", &[("a", "Float"), ("b", "Int"), ("b(y)", "Int"), ("d", "Int"), ("d(x)", "Int")]);
        let found: Vec<(&str, String)> =
            changes(&before, &now, "Q").into_iter().map(|w| (w.code, w.subject)).collect();
        assert_eq!(
            found,
            [
                ("type_changed", "T.a".to_owned()),
                ("new_argument", "T.b(y)".to_owned()),
                ("new_field", "T.d".to_owned()),
                ("argument_gone", "T.b(x)".to_owned()),
                ("field_gone", "T.c".to_owned()),
            ]
        );
        assert!(changes(&now, &now, "Q").is_empty());
        // Of the root type only requested fields are stored; another release may request others.
        assert_eq!(changes(&before, &now, "T").len(), 1);
    }
}
