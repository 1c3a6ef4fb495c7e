//! What is read of a record: paths, nested lists and rows, with the warnings about what cannot be read.

use super::*;
use crate::entities::clients::{GAZELLE_CLIENTS, GAZELLE_CONTACTS};
use crate::entities::table::column;

static ITEMS: Table = Table {
    name: "items",
    columns: &[
        column("external_id", Rule::Id, &["id"]).required(),
        column("count", Rule::Integer, &["count"]),
        column("tags", Rule::TextList, &["tags"]),
        column("owner_external_id", Rule::Id, &["owner.id"]),
    ],
    ..Table::OF_RECORDS
};

fn parsed(text: &str) -> Json<'_> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `code field (column): shape`, one line for each.
fn lines(warnings: &[Warning]) -> Vec<String> {
    let line = |warning: &Warning| {
        let [column, shape] = [&warning.column, &warning.shape].map(|of| of.as_deref().unwrap_or("-"));
        format!("{} {} ({column}): {shape}", warning.code, warning.field)
    };
    warnings.iter().map(line).collect()
}

#[test]
fn a_path_leads_through_objects_alone_and_the_last_of_equal_keys_counts() {
    for (json, path, found) in [
        (r#"{"a": 1}"#, "a", Some("1")),
        (r#"{"a": {"b": "x"}}"#, "a.b", Some("\"x\"")),
        (r#"{"a": 1, "a": 2}"#, "a", Some("2")),
        (r#"{"a": 1, "a": null}"#, "a", None),
        (r#"{"a": null}"#, "a", None),
        (r#"{"a": null}"#, "a.b", None),
        (r#"{"a": "b"}"#, "a.b", None),
        (r#"{"a": [{"b": 1}]}"#, "a.b", None),
        ("[]", "a", None),
        ("{}", "a", None),
    ] {
        assert_eq!(at(&parsed(json), path).map(ToString::to_string).as_deref(), found, "{path} of {json}");
    }
}

#[test]
fn a_nested_list_comes_in_three_forms_and_tells_what_is_not_in_it() {
    for (json, places, unreadable) in [
        (r#"{"all": {"nodes": [{}, {}]}}"#, vec!["all.nodes[0].", "all.nodes[1]."], vec![]),
        (r#"{"all": {"edges": [{"node": {}}]}}"#, vec!["all.edges[0].node."], vec![]),
        (r#"{"all": [{}]}"#, vec!["all[0]."], vec![]),
        (r#"{"all": {"nodes": [], "totalCount": 0}}"#, vec![], vec![]),
        (
            r#"{"all": {"nodes": [{}, null]}}"#,
            vec!["all.nodes[0]."],
            vec!["unreadable_row all.nodes[1] (-): null where an object is expected"],
        ),
        (
            r#"{"all": {"edges": [{"node": null}]}}"#,
            vec![],
            vec!["unreadable_row all.edges[0].node (-): null where an object is expected"],
        ),
        (
            r#"{"all": {"nodes": [{}], "totalCount": 3}}"#,
            vec!["all.nodes[0]."],
            vec!["unreadable_row all.nodes (-): 1 where 3 are counted"],
        ),
        (r#"{"all": 7}"#, vec![], vec!["unreadable_row all (-): a number like `9` where a list is expected"]),
    ] {
        let json_of = parsed(json);
        let found = nodes(&json_of, "all", "");
        assert_eq!(found.items.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), places, "{json}");
        assert_eq!(lines(&found.unreadable), unreadable, "{json}");
        assert_eq!(found.are_all(), unreadable.is_empty(), "{json}");
    }
    for json in ["{}", r#"{"all": null}"#] {
        let json = parsed(json);
        let absent = nodes(&json, "all", "");
        assert!(absent.is_absent && !absent.are_all() && absent.unreadable.is_empty());
    }
}

#[test]
fn only_a_required_column_refuses_its_record() {
    for (json, error) in [
        (r#"{"count": 1}"#, "Missing required field: id"),
        (r#"{"id": null}"#, "Missing required field: id"),
        (r#"{"id": []}"#, "Invalid field: id is a list where an id is expected"),
    ] {
        let found = row(&ITEMS, &parsed(json), "", &mut Vec::new()).unwrap_err();
        assert_eq!(found.message.split(" where").next(), error.split(" where").next(), "{json}");
    }
    let at_place = row(&ITEMS, &parsed("{}"), "all.nodes[2].", &mut Vec::new()).unwrap_err();
    assert_eq!((at_place.code, at_place.field.as_str()), (ErrorCode::MissingField, "all.nodes[2].id"));
}

#[test]
fn any_other_unreadable_column_is_null_with_a_warning() {
    let read = |json: &str| {
        let mut warnings = Vec::new();
        let row = row(&ITEMS, &parsed(json), "", &mut warnings).expect(json);
        (row.values, lines(&warnings))
    };
    let id = Value::Text("i".to_owned());
    let texts = |texts: &[&str]| Value::TextList(texts.iter().map(|text| (*text).to_owned()).collect());
    let (values, warnings) = read(r#"{"id": "i", "count": 3, "tags": ["a"], "owner": {"id": "o"}}"#);
    assert_eq!(values, [id.clone(), Value::Integer(3), texts(&["a"]), Value::Text("o".to_owned())]);
    assert_eq!(warnings, Vec::<String>::new());
    // A reference that is no object is not the same as none.
    let (values, warnings) = read(r#"{"id": "i", "count": "x", "tags": ["a", {}, "b"], "owner": "o"}"#);
    assert_eq!(values, [id.clone(), Value::Null, texts(&["a", "b"]), Value::Null]);
    let fields: Vec<&str> = warnings.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(fields, ["count", "tags[1]", "owner"]);
    assert!(warnings[2].starts_with("unreadable_field owner (items.owner_external_id): "), "{warnings:?}");
    let (values, warnings) = read(r#"{"id": "i", "tags": 5}"#);
    assert_eq!((values, warnings.len()), (vec![id, Value::Null, Value::Null, Value::Null], 1));
}

#[test]
fn a_nested_row_that_cannot_be_read_is_left_out_with_a_warning() {
    for (json, left_out) in [
        (r#"{"id": "con_1"}"#, None),
        (r#""con_1""#, Some("unreadable_row all.nodes[0]")),
        ("{}", Some("unreadable_row all.nodes[0].id")),
        (r#"{"id": {}}"#, Some("unreadable_row all.nodes[0].id")),
    ] {
        let mut warnings = Vec::new();
        let row = nested_row(&ITEMS, &parsed(json), "all.nodes[0].", &mut warnings);
        assert_eq!(row.is_some(), left_out.is_none(), "{json}");
        let said = warnings.first().map(|warning| format!("{} {}", warning.code, warning.field));
        assert_eq!((said.as_deref(), warnings.len()), (left_out, usize::from(left_out.is_some())), "{json}");
    }
}

#[test]
fn an_id_at_a_path_is_read_or_absent_or_warned_of() {
    let column = "default_contact_external_id";
    for (json, id) in [
        (r#"{"defaultContact": {"id": "con_1"}}"#, Ok(Some("con_1"))),
        (r#"{"defaultContact": {"id": 7}}"#, Ok(Some("7"))),
        (r#"{"defaultContact": null}"#, Ok(None)),
        ("{}", Ok(None)),
        (r#"{"defaultContact": "con_1"}"#, Err("defaultContact")),
        (r#"{"defaultContact": {"id": []}}"#, Err("defaultContact.id")),
    ] {
        let mut warnings = Vec::new();
        let found = id_at((&GAZELLE_CLIENTS, column), &parsed(json), "defaultContact.id", "", &mut warnings);
        let expected = id.map(|id| id.map(str::to_owned)).map_err(|_| UnreadableValue);
        assert_eq!(found, expected, "{json}");
        assert_eq!(warnings.first().map(|warning| warning.field.as_str()), id.err(), "{json}");
    }
}

#[test]
fn columns_of_one_unreadable_value_share_its_warning() {
    let mut warnings = Vec::new();
    for name in ["first_name", "last_name"] {
        let column = &GAZELLE_CONTACTS.columns[GAZELLE_CONTACTS.index(name)];
        warn_of_unreadable(&GAZELLE_CONTACTS, column, "name", &parsed("[]"), "text", &mut warnings);
    }
    let columns = warnings[0].column.as_deref();
    assert_eq!(
        (warnings.len(), columns),
        (1, Some("gazelle_contacts.first_name, gazelle_contacts.last_name"))
    );
}
