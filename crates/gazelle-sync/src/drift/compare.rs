//! The differences between two schemas, as far as our queries use them. None of them stops a run, because values
//! are stored as received.

use super::schema::{SchemaType, Types};
use crate::run_log::report::{RunWarning, RunWarningCode};

/// The warning codes for changes of the API.
pub const CODES: &[RunWarningCode] = &[
    RunWarningCode::TypeChanged,
    RunWarningCode::NewEnumValue,
    RunWarningCode::NewArgument,
    RunWarningCode::NewField,
    RunWarningCode::EnumValueGone,
    RunWarningCode::ArgumentGone,
    RunWarningCode::FieldGone,
    RunWarningCode::NeededElsewhere,
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

fn type_changes(
    name: &str,
    before: &SchemaType,
    now: &SchemaType,
    is_root: bool,
    changes: &mut Vec<RunWarning>,
) {
    let mut note = |code, member: &str, what: String| {
        let subject = format!("{name}.{member}");
        changes.push(RunWarning { code, message: format!("the API has changed: {subject} {what}"), subject });
    };
    let is_enum = now.kind == "ENUM";
    for (member, ty) in &now.members {
        match before.members.get(member) {
            Some(held) if held == ty => {}
            Some(held) => note(RunWarningCode::TypeChanged, member, format!("was {held} and is {ty}")),
            None if is_root => {}
            None if is_enum => {
                note(RunWarningCode::NewEnumValue, member, "is a new value, stored as it comes".to_owned())
            }
            // The arguments of a new field are not reported separately.
            None => match member.split_once('(') {
                Some((field, _)) if before.members.contains_key(field) => {
                    note(RunWarningCode::NewArgument, member, format!("is a new argument, {ty}"));
                }
                Some(_) => {}
                None => note(
                    RunWarningCode::NewField,
                    member,
                    format!("is a new field, {ty}, that no query asks for"),
                ),
            },
        }
    }
    for member in before.members.keys().filter(|member| !is_root && !now.members.contains_key(*member)) {
        match (is_enum, member.split_once('(')) {
            (true, _) => note(RunWarningCode::EnumValueGone, member, "is no value any more".to_owned()),
            (false, Some((field, _))) if now.members.contains_key(field) => {
                note(RunWarningCode::ArgumentGone, member, "is no argument any more".to_owned());
            }
            (false, Some(_)) => {}
            (false, None) => note(RunWarningCode::FieldGone, member, "is gone".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(kind: &str, members: &[(&str, &str)]) -> Types {
        let members = members.iter().map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned())).collect();
        Types::from([("T".to_owned(), SchemaType { kind: kind.to_owned(), members })])
    }

    #[test]
    fn each_kind_of_change_has_its_code_and_names_its_subject() {
        let before =
            types("OBJECT", &[("a", "Int"), ("b", "Int"), ("b(x)", "Int"), ("c", "Int"), ("c(x)", "Int")]);
        let now =
            types("OBJECT", &[("a", "Float"), ("b", "Int"), ("b(y)", "Int"), ("d", "Int"), ("d(x)", "Int")]);
        let found: Vec<(RunWarningCode, String)> =
            changes(&before, &now, "Q").into_iter().map(|w| (w.code, w.subject)).collect();
        assert_eq!(
            found,
            [
                (RunWarningCode::TypeChanged, "T.a".to_owned()),
                (RunWarningCode::NewArgument, "T.b(y)".to_owned()),
                (RunWarningCode::NewField, "T.d".to_owned()),
                (RunWarningCode::ArgumentGone, "T.b(x)".to_owned()),
                (RunWarningCode::FieldGone, "T.c".to_owned()),
            ]
        );
        assert!(changes(&now, &now, "Q").is_empty());
        // Of the root type only requested fields are stored; another release may request others.
        assert_eq!(changes(&before, &now, "T").len(), 1);
    }
}
