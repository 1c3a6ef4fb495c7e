//! Checks the declarations of entities: everything that the other modules rely on, so that a mistake is reported
//! when the program starts and not when a record comes.

use std::collections::HashSet;

use super::entity::{ApiList, Entity};
use super::table::{Rule, Table};
use super::warning::WARNINGS;

/// Checks that the declarations agree with each other, and with what reconcilers, statements and commands rely on.
///
/// # Errors
/// The first contradiction, as text.
pub fn check(entities: &[&Entity]) -> Result<(), String> {
    let (mut names, mut before) = (HashSet::new(), Vec::new());
    for entity in entities {
        let of_tables = entity.tables.iter().map(|table| table.name);
        for name in [entity.name, entity.staging_table].into_iter().chain(of_tables) {
            demand(names.insert(name), || format!("entity {}: the name {name} is taken", entity.name))?;
        }
        check_record_table(entity)?;
        for (index, table) in entity.tables.iter().enumerate() {
            check_references(entity, table, &before)?;
            check_columns(table)?;
            check_derived(entities, table)?;
            if index > 0 {
                check_list(entity, index)?;
            }
            before.push(*table);
        }
    }
    entities.iter().try_for_each(|entity| check_queries(entities, entity))
}

fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// The other entity through which records are found, and the date of a partial walk.
fn check_queries(entities: &[&Entity], entity: &Entity) -> Result<(), String> {
    let name = entity.name;
    if let Some((other, _)) = &entity.found_through {
        demand(entities.iter().any(|of| of.name == *other), || {
            format!("entity {name}: its records are to be found through {other}, which is no entity")
        })?;
    }
    let ApiList::Connection { dates, .. } = &entity.walk.shape else { return Ok(()) };
    let Some((column, table)) = dates.own_date.zip(entity.tables.first()) else { return Ok(()) };
    let is_date = |rule| matches!(rule, Rule::Date | Rule::UtcDate);
    demand(table.column(column).is_some_and(|of| is_date(of.rule)), || {
        format!("entity {name}: own_date names {}.{column}, which is no column with a date", table.name)
    })
}

/// The table with one row for each record.
fn check_record_table(entity: &Entity) -> Result<(), String> {
    let name = entity.name;
    let Some(table) = entity.tables.first() else { return Err(format!("entity {name} declares no table")) };
    demand(table.key == ["external_id"], || {
        format!("entity {name}: the key of {} must be external_id, the id of the record", table.name)
    })?;
    demand(table.column("external_id").is_some_and(|id| id.required), || {
        format!("entity {name}: {}.external_id must be required", table.name)
    })?;
    demand(table.list.is_none() && table.owner.is_none(), || {
        format!(
            "entity {name}: the first table, {}, has one row for each record: no list, no owner",
            table.name
        )
    })?;
    // `verify` compares it with the time of the last walk.
    let edited = table.column("source_updated_at");
    demand(edited.is_none_or(|edited| edited.rule == Rule::Instant), || {
        format!("entity {name}: {}.source_updated_at must be an instant", table.name)
    })
}

/// The tables that a table references are declared before it, and their key is a single id.
fn check_references(entity: &Entity, table: &Table, before: &[&Table]) -> Result<(), String> {
    for (column, of) in table.references() {
        let place = || format!("entity {}: {}.{column} names a row of {of}", entity.name, table.name);
        let Some(parent) = before.iter().find(|parent| parent.name == of) else {
            return Err(format!("{}, which must be declared before it", place()));
        };
        demand(parent.key == ["external_id"], || format!("{}, whose key is not external_id", place()))?;
    }
    Ok(())
}

/// Columns are named once, the key comes first, and each value has a source.
fn check_columns(table: &Table) -> Result<(), String> {
    let mut names = HashSet::new();
    for name in table.all_columns() {
        demand(names.insert(name), || format!("{}: the column {name} is declared twice", table.name))?;
    }
    let first: Vec<&str> = table.columns.iter().map(|column| column.name).take(table.key.len()).collect();
    demand(!table.key.is_empty() && first == table.key, || {
        format!("{}: the first columns must be those of the key: {}", table.name, table.key.join(", "))
    })?;
    for column in table.columns {
        let place = || format!("{}.{}", table.name, column.name);
        demand(!table.key.contains(&column.name) || column.rule == Rule::Id, || {
            format!("{}: a column of the key must be an id", place())
        })?;
        demand(column.from.is_empty() == column.made.is_some(), || {
            format!("{}: a column has either paths or a description of how it is made", place())
        })?;
    }
    let Some(view) = &table.shown_by else { return Ok(()) };
    let computed_from = view.columns.iter().map(|(_, from)| from).chain(view.follows_from);
    for from in computed_from {
        demand(table.all_columns().any(|column| column == *from), || {
            format!("{}: {} is computed from {from}, which is no column", table.name, view.name)
        })?;
    }
    Ok(())
}

/// What columns derive from.
fn check_derived(entities: &[&Entity], table: &Table) -> Result<(), String> {
    let Some(derived) = &table.derived else { return Ok(()) };
    let mut records = entities.iter().filter_map(|entity| entity.tables.first());
    let Some(of) = records.find(|of| of.name == derived.table) else {
        return Err(format!("{}: {} is the first table of no entity", table.name, derived.table));
    };
    demand(table.column(derived.by).is_some_and(|by| by.parent == Some(derived.table)), || {
        format!("{}: {} must be a column with the parent {}", table.name, derived.by, derived.table)
    })?;
    for column in derived.columns {
        demand(of.column(column.from).is_some_and(|from| from.rule == Rule::Id), || {
            format!("{}.{}: {}.{} is no column with an id", table.name, column.name, of.name, column.from)
        })?;
    }
    Ok(())
}

/// A table with the rows of a list: what marks rows as deleted, and finds them in the record.
fn check_list(entity: &Entity, index: usize) -> Result<(), String> {
    let (record, table) = (entity.tables[0], entity.tables[index]);
    let place = || format!("entity {}: {}", entity.name, table.name);
    let (Some(list), Some(owner)) = (&table.list, table.owner) else {
        return Err(format!(
            "{} needs a list and an owner, so that rows left out are marked deleted",
            place()
        ));
    };
    demand(table.column(owner).is_some_and(|of| of.holder == Some(record.name)), || {
        format!("{}: its owner must be a column held by {}: the id of the record", place(), record.name)
    })?;
    demand(table.key != [owner], || format!("{}: its key must tell the rows of an owner apart", place()))?;
    let holds = |holder: &&&Table| {
        let path = holder.inside();
        path.len() < list.path.len() && list.path.starts_with(path)
    };
    demand(!list.path.is_empty(), || format!("{}: its list has no path", place()))?;
    let holders: Vec<&Table> = entity.tables[..index].iter().filter(holds).copied().collect();
    demand(holders.len() == list.path.len(), || {
        format!("{}: every list on the path {} needs a table before it", place(), list.path.join("."))
    })?;
    for column in table.columns {
        let holder = column.holder;
        demand(holder.is_none_or(|of| holders.iter().any(|holder| holder.name == of)), || {
            format!("{}.{}: {} does not contain the list", place(), column.name, holder.unwrap_or_default())
        })?;
        let is_key = table.key.contains(&column.name);
        demand(!is_key || column.required || holder.is_some() || table.unnamed.is_some(), || {
            format!("{}.{}: a column of the key must be required or held", place(), column.name)
        })?;
    }
    let warnings = [list.doubled].into_iter().chain(table.unnamed.as_ref().map(|unnamed| unnamed.warning));
    for code in warnings {
        let is_listed = entity.warnings.iter().chain(&WARNINGS).any(|declared| *declared == code);
        demand(is_listed, || format!("{}: the entity lists no warning {code}", place()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
