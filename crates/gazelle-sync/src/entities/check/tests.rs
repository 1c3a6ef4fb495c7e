//! Each contradiction that [`check`](super::check) reports, in made-up entities.

use super::*;
use crate::entities::read::ReconciledRecord;
use crate::entities::table::{Column, Derived, DerivedColumn, Nested, Unnamed, View, column};
use crate::entities::{DateFilter, Getter, Label, Query, WalkQuery, WarningCode, registry};

const DUPLICATE_ITEM: WarningCode = WarningCode::new("duplicate_item", "an item listed twice");
const ITEM_WITHOUT_ID: WarningCode = WarningCode::new("item_without_id", "item without an id");

fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// A table with one row for each invoice.
fn invoices() -> Table {
    Table {
        name: "invoices",
        columns: leaked([
            column("external_id", Rule::Id, &["id"]).required(),
            column("due_on", Rule::Date, &["dueOn"]),
            column("source_updated_at", Rule::Instant, &["updatedAt"]),
        ]),
        ..Table::OF_RECORDS
    }
}

/// A table with the rows of a list of invoices.
fn items() -> Table {
    Table {
        name: "items",
        owner: Some("invoice_external_id"),
        list: Some(nested(&["allItems"])),
        columns: leaked([
            column("external_id", Rule::Id, &["id"]).required(),
            column("invoice_external_id", Rule::Id, &[]).made(&["^id"], "the invoice").held_by("invoices"),
        ]),
        ..Table::OF_RECORDS
    }
}

fn nested(path: &'static [&'static str]) -> Nested {
    Nested { path, query: Query::new(""), operation: "", answer: &[], doubled: DUPLICATE_ITEM }
}

fn entity(tables: impl IntoIterator<Item = Table>) -> Entity {
    let tables: Vec<&'static Table> = tables.into_iter().map(|table| leaked(table)).collect();
    Entity {
        name: "invoice entity",
        label: Label {
            en: "Invoices",
            fr: "Factures",
            counted_en: ["invoice", "invoices"],
            counted_fr: ["facture", "factures"],
        },
        name_sql: None,
        time_column: None,
        staging_table: "staging_invoices",
        walk: walk(None),
        getter: None,
        found_through: None,
        listed_in: None,
        tables: tables.leak(),
        reconciler_version: 1,
        reconcile: |_| Ok(ReconciledRecord::default()),
        warnings: &[DUPLICATE_ITEM],
    }
}

fn walk(own_date: Option<&'static str>) -> WalkQuery {
    let dates = DateFilter { from: "", until: "", own_date };
    let shape = ApiList::Connection { filter_type: "", dates, undated: None };
    WalkQuery { page_query: Query::new(""), operation: "", root: "", shape }
}

#[test]
fn the_entities_of_this_program_and_made_up_ones_agree_with_what_others_rely_on() {
    assert_eq!(
        check(&registry::names().iter().filter_map(|name| registry::entity(name)).collect::<Vec<_>>()),
        Ok(())
    );
    assert_eq!(check(&[&entity([invoices(), items()])]), Ok(()));
    assert_eq!(check(&[&Entity { walk: walk(Some("due_on")), ..entity([invoices()]) }]), Ok(()));
    let undated =
        Table { columns: leaked([column("external_id", Rule::Id, &["id"]).required()]), ..invoices() };
    assert_eq!(check(&[&entity([undated])]), Ok(()), "an API need not say when a record was edited");
}

#[test]
fn a_contradiction_in_an_entity_is_named() {
    let found_through = |other| Some((other, Getter { query: Query::new(""), operation: "", path: &[] }));
    let cases: Vec<(Entity, &str)> = vec![
        (entity([]), "entity invoice entity declares no table"),
        (entity([invoices(), items(), items()]), "entity invoice entity: the name items is taken"),
        (
            Entity { found_through: found_through("events"), ..entity([invoices()]) },
            "entity invoice entity: its records are to be found through events, which is no entity",
        ),
        (
            Entity { walk: walk(Some("issued_on")), ..entity([invoices()]) },
            "entity invoice entity: own_date names invoices.issued_on, which is no column with a date",
        ),
        (
            Entity { walk: walk(Some("external_id")), ..entity([invoices()]) },
            "entity invoice entity: own_date names invoices.external_id, which is no column with a date",
        ),
        (
            Entity { warnings: &[], ..entity([invoices(), items()]) },
            "entity invoice entity: items: the entity lists no warning duplicate_item",
        ),
    ];
    for (entity, why) in cases {
        assert_eq!(check(&[&entity]).unwrap_err(), why);
    }
}

#[test]
fn a_contradiction_in_the_table_of_records_is_named() {
    let with = |columns: Vec<Column>| Table { columns: columns.leak(), ..invoices() };
    let id = || column("external_id", Rule::Id, &["id"]).required();
    let view = View {
        name: "v_invoices",
        columns: &[("due_locally", "due_on")],
        follows_from: &["issued_at"],
        exception: "",
        summary: "",
    };
    let cases = [
        (
            Table { key: &["number"], ..invoices() },
            "entity invoice entity: the key of invoices must be external_id, the id of the record",
        ),
        (
            with(vec![column("external_id", Rule::Id, &["id"])]),
            "entity invoice entity: invoices.external_id must be required",
        ),
        (
            Table { owner: Some("external_id"), ..invoices() },
            "entity invoice entity: the first table, invoices, has one row for each record: no list, no owner",
        ),
        (
            with(vec![id(), column("source_updated_at", Rule::Text, &["updatedAt"])]),
            "entity invoice entity: invoices.source_updated_at must be an instant",
        ),
        (
            with(vec![id(), column("client", Rule::Id, &["client"]).parent("clients")]),
            "entity invoice entity: invoices.client names a row of clients, which must be declared before it",
        ),
        (with(vec![id(), id()]), "invoices: the column external_id is declared twice"),
        (
            with(vec![id(), column("deleted_at", Rule::Instant, &["x"])]),
            "invoices: the column deleted_at is declared twice",
        ),
        (
            with(vec![column("due_on", Rule::Date, &["dueOn"]), id()]),
            "invoices: the first columns must be those of the key: external_id",
        ),
        (
            with(vec![id(), column("due_on", Rule::Date, &[])]),
            "invoices.due_on: a column has either paths or a description of how it is made",
        ),
        (
            with(vec![column("external_id", Rule::Integer, &["id"]).required()]),
            "invoices.external_id: a column of the key must be an id",
        ),
        (
            Table { shown_by: Some(view), ..invoices() },
            "invoices: v_invoices is computed from issued_at, which is no column",
        ),
        (
            Table { derived: derived("clients", "due_on", &[]), ..invoices() },
            "invoices: clients is the first table of no entity",
        ),
        (
            Table { derived: derived("invoices", "due_on", &[]), ..invoices() },
            "invoices: due_on must be a column with the parent invoices",
        ),
    ];
    for (table, why) in cases {
        assert_eq!(check(&[&entity([table])]).unwrap_err(), why);
    }
}

fn derived(table: &'static str, by: &'static str, columns: &'static [DerivedColumn]) -> Option<Derived> {
    Some(Derived { table, by, columns })
}

#[test]
fn a_column_derives_from_an_id_of_a_record_that_its_table_names() {
    let clients = Table { name: "clients", ..invoices() };
    let clients = Entity { name: "clients entity", staging_table: "staging_clients", ..entity([clients]) };
    let of = |from: &'static str| {
        let columns = leaked([DerivedColumn { name: "payer", from, references: "clients" }]);
        let id = column("external_id", Rule::Id, &["id"]).required();
        let client = column("client", Rule::Id, &["client.id"]).parent("clients");
        let table = Table {
            columns: leaked([id, client]),
            derived: derived("clients", "client", columns),
            ..invoices()
        };
        check(&[&clients, &entity([table])])
    };
    assert_eq!(of("external_id"), Ok(()));
    for other in ["nothing", "due_on"] {
        assert_eq!(
            of(other).unwrap_err(),
            format!("invoices.payer: clients.{other} is no column with an id")
        );
    }
}

#[test]
fn a_contradiction_in_a_table_of_a_list_is_named() {
    let with = |columns: Vec<Column>| Table { columns: columns.leak(), ..items() };
    let id = || column("external_id", Rule::Id, &["id"]).required();
    let held =
        || column("invoice_external_id", Rule::Id, &[]).made(&["^id"], "the invoice").held_by("invoices");
    let cases = [
        (
            Table { owner: None, ..items() },
            "needs a list and an owner, so that rows left out are marked deleted",
        ),
        (
            Table { list: None, ..items() },
            "needs a list and an owner, so that rows left out are marked deleted",
        ),
        (
            Table { owner: Some("external_id"), ..items() },
            ": its owner must be a column held by invoices: the id of the record",
        ),
        (
            Table { owner: Some("nothing"), ..items() },
            ": its owner must be a column held by invoices: the id of the record",
        ),
        (
            Table { key: &["invoice_external_id"], ..with(vec![held(), id()]) },
            ": its key must tell the rows of an owner apart",
        ),
        (Table { list: Some(nested(&[])), ..items() }, ": its list has no path"),
        (
            Table { list: Some(nested(&["allTiers", "allItems"])), ..items() },
            ": every list on the path allTiers.allItems needs a table before it",
        ),
        (
            with(vec![column("external_id", Rule::Id, &["id"]), held()]),
            ".external_id: a column of the key must be required or held",
        ),
        (
            Table { unnamed: Some(Unnamed { word: "item", warning: ITEM_WITHOUT_ID }), ..items() },
            ": the entity lists no warning item_without_id",
        ),
    ];
    for (table, why) in cases {
        assert_eq!(
            check(&[&entity([invoices(), table])])
                .unwrap_err()
                .replacen("entity invoice entity: items", "", 1)
                .trim(),
            why.trim()
        );
    }
    let others = Table { name: "others", list: Some(nested(&["allOthers"])), ..items() };
    let of_others =
        with(vec![id(), held(), column("other", Rule::Id, &[]).made(&["^id"], "x").held_by("others")]);
    assert_eq!(
        check(&[&entity([invoices(), others, of_others])]).unwrap_err(),
        "entity invoice entity: items.other: others does not contain the list"
    );
}
