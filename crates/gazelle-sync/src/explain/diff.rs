//! Computes the differences between two versions of a record, field by field. Pure.

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its path: `user.id`, `allContacts.nodes[con_1].email`. Objects in a list are identified by their ids if all
    /// have one, otherwise by position.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// The value before; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// The value after; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

/// What happened to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// The list has the same items in another order.
    Reordered,
}

/// Every field that differs, in the order of the fields. Empty if the versions differ only in formatting.
pub fn changes(before: &Json, after: &Json) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Json>, after: Option<&Json>, changes: &mut Vec<Change>) {
    let change =
        |kind| Change { path: path.to_owned(), kind, before: before.cloned(), after: after.cloned() };
    match (before, after) {
        (None, None) => {}
        (None, Some(_)) => changes.push(change(ChangeKind::Added)),
        (Some(_), None) => changes.push(change(ChangeKind::Removed)),
        (Some(old), Some(new)) if old == new => {}
        (Some(Json::Object(old)), Some(Json::Object(new))) => {
            for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
                let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&place, old.get(key), new.get(key), changes);
            }
        }
        (Some(Json::Array(old)), Some(Json::Array(new))) => match (by_id(old), by_id(new)) {
            (Some(old), Some(new)) => compare_by_id(path, &old, &new, changes),
            _ if old.iter().chain(new).any(|item| matches!(item, Json::Object(_) | Json::Array(_))) => {
                for place in 0..old.len().max(new.len()) {
                    compare(&format!("{path}[{place}]"), old.get(place), new.get(place), changes);
                }
            }
            // A list of plain values (tags) is easier to read as a whole.
            _ => changes.push(change(ChangeKind::Changed)),
        },
        (Some(_), Some(_)) => changes.push(change(ChangeKind::Changed)),
    }
}

type ById<'j> = Vec<(&'j str, &'j Json)>;

/// The items of a list by their ids, if all have one and all are distinct.
fn by_id(list: &[Json]) -> Option<ById<'_>> {
    let mut items: ById<'_> = Vec::with_capacity(list.len());
    for item in list {
        let id = item.as_object().and_then(own_id)?;
        if items.iter().any(|(other, _)| *other == id) {
            return None;
        }
        items.push((id, item));
    }
    Some(items)
}

/// The id of an object in a list: its own, or that of the only object it links to (`{"piano": {"id": …}}`).
fn own_id(object: &Map<String, Json>) -> Option<&str> {
    if let Some(id) = object.get("id") {
        return id.as_str();
    }
    let mut links = object.values().filter_map(|value| value.as_object()?.get("id")?.as_str());
    match (links.next(), links.next()) {
        (Some(id), None) => Some(id),
        _ => None,
    }
}

fn compare_by_id(path: &str, old: &ById<'_>, new: &ById<'_>, changes: &mut Vec<Change>) {
    let find = |list: &ById<'_>, id: &str| list.iter().position(|(other, _)| *other == id);
    for (id, item) in old {
        let now = find(new, id).map(|place| new[place].1);
        compare(&format!("{path}[{id}]"), Some(item), now, changes);
    }
    for (id, item) in new.iter().filter(|(id, _)| find(old, id).is_none()) {
        compare(&format!("{path}[{id}]"), None, Some(item), changes);
    }
    let stayed: Vec<usize> = new.iter().filter_map(|(id, _)| find(old, id)).collect();
    if !stayed.is_sorted() {
        let order = |list: &ById<'_>| list.iter().map(|(id, _)| Json::from(*id)).collect::<Vec<_>>().into();
        changes.push(Change {
            path: path.to_owned(),
            kind: ChangeKind::Reordered,
            before: Some(order(old)),
            after: Some(order(new)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(before: Json, after: Json) -> Vec<String> {
        changes(&before, &after)
            .into_iter()
            .map(|change| {
                let show = |value: Option<Json>| value.map_or("-".to_owned(), |value| value.to_string());
                format!("{} {} > {}", change.path, show(change.before), show(change.after))
            })
            .collect()
    }

    #[test]
    fn fields_are_named_by_their_paths_and_null_is_not_absence() {
        let before = json!({"a": 1, "user": {"id": "u1", "name": "x"}, "gone": null, "same": [1]});
        let after = json!({"a": null, "user": {"id": "u2", "name": "x"}, "new": null, "same": [1]});
        assert_eq!(
            rendered(before, after),
            ["a 1 > null", "gone null > -", r#"user.id "u1" > "u2""#, "new - > null"]
        );
    }

    #[test]
    fn objects_in_a_list_go_by_their_id_wherever_they_stand() {
        let before = json!({"nodes": [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]});
        let after = json!({"nodes": [{"id": "d", "n": 4}, {"id": "a", "n": 1}, {"id": "c", "n": 9}]});
        assert_eq!(
            rendered(before, after),
            [r#"nodes[b] {"id":"b","n":2} > -"#, "nodes[c].n 3 > 9", r#"nodes[d] - > {"id":"d","n":4}"#]
        );
        let turned =
            rendered(json!({"l": [{"id": "a"}, {"id": "b"}]}), json!({"l": [{"id": "b"}, {"id": "a"}]}));
        assert_eq!(turned, [r#"l ["a","b"] > ["b","a"]"#]);
        let linked = |flag: bool| json!({"l": [{"is": flag, "piano": {"id": "p1"}}]});
        assert_eq!(rendered(linked(true), linked(false)), ["l[p1].is true > false"]);
    }

    #[test]
    fn lists_without_ids_go_by_place_and_plain_ones_whole() {
        let before = json!({"t": ["x"], "l": [{"a": 1}, {"a": 2}]});
        let after = json!({"t": ["x", "y"], "l": [{"a": 1}]});
        assert_eq!(rendered(before, after), [r#"l[1] {"a":2} > -"#, r#"t ["x"] > ["x","y"]"#]);
        let twice = json!({"l": [{"id": "a", "n": 1}, {"id": "a", "n": 2}]});
        let other = json!({"l": [{"id": "a", "n": 1}, {"id": "a", "n": 3}]});
        assert_eq!(rendered(twice, other), ["l[1].n 2 > 3"]);
    }

    #[test]
    fn another_type_is_a_change_and_equal_content_is_none() {
        assert_eq!(rendered(json!({"a": {"b": 1}}), json!({"a": [1]})), [r#"a {"b":1} > [1]"#]);
        assert_eq!(rendered(json!([]), json!({})), [" [] > {}"]);
        assert!(rendered(json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1})).is_empty());
    }
}
