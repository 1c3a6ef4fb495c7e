//! The fields that a query selects, as a tree: parsed from the query, reduced to some of them, and written as
//! text again.

/// A field with its arguments and its selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub name: String,
    /// As written in the query, with the parentheses.
    arguments: String,
    pub inside: Vec<Field>,
}

impl Field {
    /// The field's name and arguments.
    pub fn head(&self) -> String {
        format!("{}{}", self.name, self.arguments)
    }

    /// Whether the field is only requested as a whole: a scalar, or an object without an id by which two halves
    /// could be matched.
    pub fn is_leaf(&self) -> bool {
        !self.inside.iter().any(|field| field.name == "id" || field.name == "nodes")
    }

    fn levels(&self) -> usize {
        1 + levels(&self.inside)
    }
}

/// The fields of a query below its root. Fragments and aliases are not parsed, because our queries have none.
pub(crate) fn of_query(query: &str) -> Vec<Field> {
    let mut rest = query.split_once('{').map_or("", |(_, after)| after);
    read_set(&mut rest)
}

/// The selection of the field at the end of a path.
pub(crate) fn at<'f>(fields: &'f [Field], path: &[&str]) -> &'f [Field] {
    path.iter().fold(fields, |fields, name| {
        fields.iter().find(|field| field.name == *name).map_or(&[], |field| field.inside.as_slice())
    })
}

fn read_set(rest: &mut &str) -> Vec<Field> {
    let mut fields = Vec::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            *rest = after;
            return fields;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            return fields;
        }
        let (name, after) = rest.split_at(end);
        *rest = after.trim_start();
        let mut arguments = "";
        if rest.starts_with('(')
            && let Some(closed) = rest.find(')')
        {
            (arguments, *rest) = rest.split_at(closed + 1);
            *rest = rest.trim_start();
        }
        let inside = match rest.strip_prefix('{') {
            Some(after) => {
                *rest = after;
                read_set(rest)
            }
            None => Vec::new(),
        };
        fields.push(Field { name: name.to_owned(), arguments: arguments.to_owned(), inside });
    }
}

/// The selection as query text, without the outer braces.
pub(crate) fn to_text(fields: &[Field]) -> String {
    let each = fields.iter().map(|field| match field.inside.is_empty() {
        true => field.head(),
        false => format!("{} {{ {} }}", field.head(), to_text(&field.inside)),
    });
    each.collect::<Vec<String>>().join(" ")
}

/// The query under another operation name, with other fields selected at the end of a path.
pub(crate) fn replace_fields(
    query: &str,
    operation: (&str, &str),
    path: &[&str],
    fields: &[Field],
) -> String {
    let head = query.split_once('{').map_or("", |(head, _)| head).trim_end();
    let mut whole = of_query(query);
    let last = path.iter().try_fold(&mut whole, |within, name| {
        within.iter_mut().find(|field| field.name == *name).map(|field| &mut field.inside)
    });
    if let Some(last) = last {
        *last = fields.to_vec();
    }
    format!("{} {{ {} }}", head.replacen(operation.0, operation.1, 1), to_text(&whole))
}

/// The number of field names in the selection, at all levels.
pub(crate) fn count(fields: &[Field]) -> usize {
    fields.iter().map(|field| 1 + count(&field.inside)).sum()
}

/// The depth of the selection.
pub(crate) fn levels(fields: &[Field]) -> usize {
    fields.iter().map(Field::levels).max().unwrap_or_default()
}

/// The position of a field in a tree: one index per level.
pub(crate) type Place = Vec<usize>;

/// The smallest fields that can be requested separately, each with the depth it reaches.
pub(crate) fn leaves(fields: &[Field]) -> Vec<(Place, usize)> {
    let mut leaves = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        if field.is_leaf() {
            leaves.push((vec![index], field.levels()));
        } else {
            let inside = self::leaves(&field.inside).into_iter();
            leaves.extend(inside.map(|(place, levels)| ([vec![index], place].concat(), levels + 1)));
        }
    }
    leaves
}

/// The fields at these positions, with the ids of the objects on the way and the record's `updatedAt`, by which
/// the answers are matched.
pub(crate) fn only(fields: &[Field], places: &[&[usize]]) -> Vec<Field> {
    keep(fields, places, true)
}

fn keep(fields: &[Field], places: &[&[usize]], is_record: bool) -> Vec<Field> {
    let kept = fields.iter().enumerate().filter_map(|(index, field)| {
        let below: Vec<&[usize]> = places.iter().filter_map(|place| place.strip_prefix(&[index])).collect();
        if below.iter().any(|place| place.is_empty()) {
            return Some(field.clone());
        }
        if below.is_empty() {
            let is_match = field.name == "id" || is_record && field.name == "updatedAt";
            return is_match.then(|| field.clone());
        }
        Some(Field { inside: keep(&field.inside, &below, false), ..field.clone() })
    });
    kept.collect()
}

/// The position of the field at the end of a path; none if it is not selected.
pub(crate) fn place_of(fields: &[Field], path: &[&str]) -> Option<Place> {
    let (name, rest) = match path.split_first() {
        Some(split) => split,
        None => return Some(Vec::new()),
    };
    let index = fields.iter().position(|field| field.name == *name)?;
    Some([vec![index], place_of(&fields[index].inside, rest)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::ENTITIES;

    fn canonical(query: &str) -> String {
        graphql_parser::parse_query::<&str>(query).unwrap().to_string()
    }

    #[test]
    fn every_query_is_read_and_written_without_loss() {
        for entity in ENTITIES.iter().copied() {
            let nested = entity.nested().map(|nested| &*nested.query);
            let getter = entity.getter.iter().map(|getter| &*getter.query);
            for query in nested.chain(getter).chain([&*entity.walk.page_query]) {
                let (head, _) = query.split_once('{').unwrap();
                let again = format!("{head} {{ {} }}", to_text(&of_query(query)));
                assert_eq!(canonical(&again), canonical(query));
                assert_eq!(levels(&of_query(&entity.walk.page_query)), entity.walk.levels());
            }
        }
    }

    #[test]
    fn what_is_kept_has_the_ids_on_the_way_and_the_time_of_change() {
        let fields = of_query(
            "query X { id a updatedAt list(first: 3) { totalCount nodes { id b updatedAt c { d } } } e { f } }",
        );
        let leaves: Vec<Place> = leaves(&fields).into_iter().map(|(place, _)| place).collect();
        assert_eq!(leaves.len(), 9);
        let b = place_of(&fields, &["list", "nodes", "b"]).unwrap();
        assert_eq!(to_text(&only(&fields, &[&b])), "id updatedAt list(first: 3) { nodes { id b } }");
        assert_eq!(to_text(&only(&fields, &[])), "id updatedAt");
        let whole: Vec<&[usize]> = leaves.iter().map(Vec::as_slice).collect();
        assert_eq!(only(&fields, &whole), fields);
    }
}
