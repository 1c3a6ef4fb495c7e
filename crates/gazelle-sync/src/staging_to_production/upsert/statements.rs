//! The SQL statements that write a production table, made from templates beside this file and the table's
//! declaration.

use crate::db::Template;
use crate::entities::Entity;
use crate::entities::table::{Rule, Table};
use crate::staging::pending;

use super::super::derived;
use super::super::target::TableSet;

/// The statements of a production table. Public for the test that prepares every one.
#[derive(Debug)]
pub struct Statements {
    /// Inserts rows whose key is free.
    pub insert_new: String,
    /// Inserts rows of which all are new.
    pub insert_all: String,
    /// Selects the keys of the rows that are to be written.
    pub to_write: String,
    /// Writes those rows, new ones too.
    pub update_changed: String,
    /// Updates those rows that exist.
    pub update_held: String,
    /// Inserts rows that do not exist, without passing existing ones to a trigger or constraint.
    pub insert_absent: String,
}

impl Statements {
    /// The statements of a table.
    pub fn of(entity: &Entity, table: &Table) -> Statements {
        let insert_new = include_str!("insert_new.sql");
        let insert_all = insert_new.replace("ON CONFLICT ({key}) DO NOTHING\n", "");
        let update_changed = include_str!("update_changed.sql");
        let comparison = update_changed.split("INSERT INTO").next().unwrap_or_default();
        let to_write = format!("{comparison}{}", include_str!("to_write.sql"));
        let filled = |template: &str| fill(template, entity, table, TableSet::Production);
        Statements {
            insert_new: filled(insert_new),
            insert_all: filled(&insert_all),
            to_write: filled(&to_write),
            update_changed: filled(update_changed),
            update_held: filled(include_str!("update_held.sql")),
            insert_absent: filled(include_str!("insert_absent.sql")),
        }
    }

    /// All statements.
    pub fn all(&self) -> [&str; 6] {
        [
            &self.insert_new,
            &self.insert_all,
            &self.to_write,
            &self.update_changed,
            &self.update_held,
            &self.insert_absent,
        ]
    }
}

/// The statements of a scratch table: one updates existing rows, one inserts new ones. They are not derived from
/// the writer's: a rebuild that shared its statements would share its mistakes, and `verify` would miss them.
pub(super) fn rebuild_statements(entity: &Entity, table: &Table) -> [String; 2] {
    [include_str!("rebuild_update.sql"), include_str!("rebuild_insert.sql")]
        .map(|template| fill(template, entity, table, TableSet::Scratch))
}

/// Whether a held row equals the incoming one, so that it keeps its lineage.
const IS_AS_HELD: &str = "held.deleted_at IS NULL
           AND held.synced_from_gazelle_at <= i.synced_from_gazelle_at
           AND ({held_values}) IS NOT DISTINCT FROM ({typed_values})";

/// Fills a template with the names of a table's columns.
fn fill(template: &str, entity: &Entity, table: &Table, target: TableSet) -> String {
    let columns = Columns::of(table);
    let (names, all) = (&columns.declared, &columns.all);
    let cast = |name: &str| columns.cast(name);
    let not_key: Vec<&str> = all.iter().copied().filter(|name| !table.key.contains(name)).collect();
    let same_key = |row: &str| {
        let same = table.key.iter().map(|key| format!("{row}.{key} = i.{key}"));
        same.collect::<Vec<_>>().join(" AND ")
    };
    Template::new(template)
        .with("is_as_held", IS_AS_HELD)
        .with("selected", columns.selected())
        .with("typed", listed(names, |name| format!("i.{name}{} AS {name}", cast(name))))
        .with("typed_values", listed(all, |name| format!("i.{name}")))
        .with("derived_values", columns.derived_values())
        .with("derived_join", derived::join(table))
        .with("derived_from", table.derived.as_ref().map_or("", |derived| derived.table))
        .with("derived_by", table.derived.as_ref().map_or("", |derived| derived.by))
        .with("parameters", columns.parameters().join(", "))
        .with("side_by_side", columns.side_by_side())
        .with("columns", names.join(", "))
        .with("held_values", listed(all, |name| format!("held.{name}")))
        .with("incoming_values", listed(all, |name| format!("i.{name}{}", cast(name))))
        .with("all_columns", all.join(", "))
        .with("assignments", listed(&not_key, |name| format!("{name} = EXCLUDED.{name}")))
        .with("set_from_incoming", listed(&not_key, |name| format!("{name} = i.{name}{}", cast(name))))
        .with("set_typed", listed(&not_key, |name| format!("{name} = i.{name}")))
        .with("may_write", may_write(entity, table, target))
        .with("still_later", still_later(table))
        .with("key_match", same_key("h"))
        .with("held_match", same_key("held"))
        .with("held_key_text", listed(table.key, |name| format!("held.{name}::text")))
        .with("key_text", listed(table.key, |name| format!("{name}::text")))
        .with("first_key", table.key[0])
        .with("key", table.key.join(", "))
        .with("table", table.name)
        .with("prefix", target.prefix())
        .fill()
}

/// A part of a statement for each column, with commas between.
fn listed(columns: &[&str], each: impl Fn(&str) -> String) -> String {
    columns.iter().map(|name| each(name)).collect::<Vec<_>>().join(", ")
}

/// The columns of a table, as its statements name them.
struct Columns<'t> {
    table: &'t Table,
    /// The columns that a record fills.
    declared: Vec<&'t str>,
    /// Those, and the columns derived from other tables.
    all: Vec<&'t str>,
}

impl<'t> Columns<'t> {
    fn of(table: &'t Table) -> Columns<'t> {
        let declared: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let derived = table.derived_columns().iter().map(|column| column.name);
        let all = declared.iter().copied().chain(derived).collect();
        Columns { table, declared, all }
    }

    /// The cast that follows the name of a column that is sent as text.
    fn cast(&self, name: &str) -> String {
        match self.table.columns.iter().find(|column| column.name == name) {
            Some(column) if column.rule.travels_as_text() => format!("::{}", column.rule.sql_type()),
            _ => String::new(),
        }
    }

    /// The parameters from `$2` on, one array for each column; `$1` is the reconciler's version.
    fn parameters(&self) -> Vec<String> {
        let own = self.table.columns.iter().map(|column| array_type(column.rule));
        let types = own.chain(["uuid", "timestamptz"]).enumerate();
        types.map(|(index, sql_type)| format!("${}::{sql_type}[]", index + 2)).collect()
    }

    fn side_by_side(&self) -> String {
        let names = self.declared.iter().chain(&["staging_id", "synced_from_gazelle_at"]);
        let lists = self.parameters().into_iter().zip(names);
        lists.map(|(list, name)| format!("unnest({list}) AS {name}")).collect::<Vec<_>>().join(", ")
    }

    fn selected(&self) -> String {
        let declared = self.declared.iter().map(|name| format!("i.{name}{}", self.cast(name)));
        let derived = self.table.derived_columns().iter().map(|column| format!("c.{}", column.from));
        declared.chain(derived).collect::<Vec<_>>().join(", ")
    }

    fn derived_values(&self) -> String {
        let derived = self.table.derived_columns().iter();
        derived.map(|column| format!(", c.{} AS {}", column.from, column.name)).collect()
    }
}

/// The condition under which an existing row may be overwritten. A row that several records claim (a contact that
/// moved to another client) belongs to the record seen last: an incoming record does not get it if its holder was
/// seen with it later, until the holder let it go. In scratch tables versions are written in the order in which
/// they were seen.
fn may_write(entity: &Entity, table: &Table, target: TableSet) -> String {
    let Some(owner) = table.owner.filter(|owner| !table.key.contains(owner)) else {
        return "true".to_owned();
    };
    let mine = format!("held.{owner} IS NOT DISTINCT FROM i.{owner}");
    let later = "held.synced_from_gazelle_at < i.synced_from_gazelle_at";
    if target == TableSet::Scratch {
        return format!("{mine} OR {later}");
    }
    let holder = format!("held.{owner}");
    let held_since = pending::seen_between(entity, &holder, "i.synced_from_gazelle_at", "held.deleted_at");
    format!("{mine} OR ({later} AND NOT {held_since})")
}

/// The same for a row that another lane has written meanwhile: two records may claim it at the same time.
fn still_later(table: &Table) -> String {
    match table.owner.filter(|owner| !table.key.contains(owner)) {
        Some(owner) => format!(
            "WHERE held.{owner} IS NOT DISTINCT FROM EXCLUDED.{owner}
    OR held.synced_from_gazelle_at <= EXCLUDED.synced_from_gazelle_at"
        ),
        None => String::new(),
    }
}

/// The element type in which a column's values are sent.
fn array_type(rule: Rule) -> &'static str {
    if rule.travels_as_text() { "text" } else { rule.sql_type() }
}
