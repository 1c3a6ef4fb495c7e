//! Records generated from the declarations, with a value for every field that is read: a base for tests and
//! fuzzing. They contain no real data.

use serde_json::{Map, Value, json};

use super::Entity;
use super::table::{Rule, Table};

/// A record with every field of its entity and one object in each nested list. Its parents are the examples of
/// other entities. Its id is [`id`].
pub fn record(entity: &Entity) -> Value {
    let mut record = object(entity.tables[0]);
    for table in &entity.tables[1..] {
        let mut here = &mut record;
        for (depth, step) in table.inside().iter().enumerate() {
            if here.get(*step).is_none() {
                here[*step] = json!({ "totalCount": 1, "pageInfo": { "hasNextPage": false }, "nodes": [] });
            }
            let nodes = &mut here[*step]["nodes"];
            if depth + 1 == table.inside().len() {
                *nodes = json!([object(table)]);
            }
            here = &mut nodes[0];
        }
    }
    record
}

/// The id of an entity's example.
pub fn id(entity: &Entity) -> String {
    format!("{}_1", entity.tables[0].name)
}

/// The JSON object of one row of a table.
fn object(table: &Table) -> Value {
    let mut object = Value::Object(Map::new());
    for column in table.columns {
        let Some(path) = column.from.first() else { continue };
        let example = match (column.rule, column.parent) {
            (_, Some(parent)) => json!(format!("{parent}_1")),
            (Rule::Id, None) if table.key.contains(&column.name) => json!(format!("{}_1", table.name)),
            (Rule::Id, None) => json!(format!("{}_1", column.name)),
            (Rule::Text, None) => json!("un texte é"),
            (Rule::Integer, None) => json!(7),
            (Rule::Float, None) => json!(1.5),
            (Rule::Boolean, None) => json!(true),
            (Rule::Date, None) => json!("2026-01-09"),
            (Rule::Instant | Rule::UtcDate | Rule::UtcTime, None) => json!("2026-01-09T12:00:00Z"),
            (Rule::TextList, None) => json!(["un", "deux"]),
            (Rule::Decimal, None) => json!("12.50"),
            (Rule::Json, None) => json!({ "clé": [1, "é"] }),
        };
        let mut here = &mut object;
        for step in path.split('.') {
            if !here.is_object() {
                *here = Value::Object(Map::new());
            }
            here = &mut here[step];
        }
        *here = example;
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::ENTITIES;
    use crate::entities::table::Value as Cell;

    #[test]
    fn an_example_fills_every_column_that_is_read_from_a_record() {
        for entity in ENTITIES.iter().copied() {
            let text = record(entity).to_string();
            let json: serde_json_borrow::Value<'_> = serde_json::from_str(&text).unwrap();
            let reconciled = (entity.reconcile)(&json).unwrap_or_else(|e| panic!("{}: {e}", entity.name));
            assert_eq!(reconciled.rows.len(), entity.tables.len(), "{}: one row a table", entity.name);
            for (index, row) in &reconciled.rows {
                let table = entity.tables[*index];
                for (column, value) in table.columns.iter().zip(&row.values) {
                    let is_read = !column.from.is_empty();
                    assert!(!is_read || *value != Cell::Null, "{}.{}", table.name, column.name);
                }
            }
        }
    }
}
