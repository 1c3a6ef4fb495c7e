//! gazelle-sync with one entity more: what adding an entity takes. Its tables, queries, access rules and dashboards follow
//! from this declaration.
//!
//! `cargo run -p gazelle-sync --example with_invoices -- migrate`

use std::process::ExitCode;

use gazelle_sync::entities::read::{ReconciledRecord, RecordError};
use gazelle_sync::entities::table::{Heading, Rule::*, Table, column};
use gazelle_sync::entities::{
    ApiList, DateFilter, Entity, Getter, Label, Nested, Query, WalkQuery, WarningCode, registry, rows,
};
use serde_json_borrow::Value as Json;

/// An item is listed twice.
const DUPLICATE_ITEM: WarningCode = WarningCode::new("duplicate_item", "an item listed twice");

static GAZELLE_INVOICES: Table = Table {
    name: "gazelle_invoices",
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("number", Integer, &["number"]),
        column("status", Text, &["status"]),
        column("client_external_id", Id, &["client.id"]).parent("gazelle_clients"),
        column("created_by_external_id", Id, &["createdBy.id"]).parent("gazelle_users"),
        column("due_on", Date, &["dueOn"]),
        column("total", Decimal, &["total"]),
        column("tags", Json, &["tags"]),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};

static GAZELLE_INVOICE_ITEMS: Table = Table {
    name: "gazelle_invoice_items",
    heading: Some(Heading { en: "Items", fr: "Lignes" }),
    owner: Some("invoice_external_id"),
    list: Some(Nested {
        path: &["allInvoiceItems"],
        query: Query::new(concat!(include_str!("more_items.graphql"), include_str!("fields.graphql"))),
        operation: "InvoiceMoreItems",
        answer: &["invoice", "allInvoiceItems"],
        doubled: DUPLICATE_ITEM,
    }),
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("invoice_external_id", Id, &[])
            .made(&["^id"], "the id of the invoice")
            .held_by("gazelle_invoices"),
        column("sequence_number", Integer, &["sequenceNumber"]),
        column("description", Text, &["description"]),
        column("quantity", Integer, &["quantity"]),
        column("amount", Decimal, &["amount"]),
        column("piano_external_id", Id, &["piano.id"]).parent("gazelle_pianos"),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};

static TABLES: &[&Table] = &[&GAZELLE_INVOICES, &GAZELLE_INVOICE_ITEMS];

static INVOICES: Entity = Entity {
    name: "invoices",
    label: Label {
        en: "Invoices",
        fr: "Factures",
        counted_en: ["invoice", "invoices"],
        counted_fr: ["facture", "factures"],
    },
    name_sql: None,
    time_column: None,
    staging_table: "staging_invoices",
    walk: WalkQuery {
        page_query: Query::new(concat!(include_str!("page.graphql"), include_str!("fields.graphql"))),
        operation: "InvoicesPage",
        root: "allInvoices",
        shape: ApiList::Connection {
            filter_type: "PrivateAllInvoicesFilter",
            dates: DateFilter { from: "invoiceDateGet", until: "invoiceDateLet", own_date: None },
            undated: None,
        },
    },
    getter: Some(Getter {
        query: Query::new(concat!(include_str!("get.graphql"), include_str!("fields.graphql"))),
        operation: "InvoiceById",
        path: &["invoice"],
    }),
    found_through: None,
    listed_in: None,
    tables: TABLES,
    reconciler_version: 1,
    reconcile,
    warnings: &[DUPLICATE_ITEM],
};

/// The invoice, then its items.
fn reconcile(record: &Json<'_>) -> Result<ReconciledRecord, RecordError> {
    let mut reconciled = ReconciledRecord::default();
    let invoice = rows::of_record(TABLES, record, &mut reconciled)?;
    let items = rows::listed(TABLES, &GAZELLE_INVOICE_ITEMS, &invoice, &mut reconciled);
    reconciled.add([invoice]);
    reconciled.add(items);
    Ok(reconciled)
}

fn main() -> ExitCode {
    registry::add(&INVOICES);
    gazelle_sync::commands::main()
}
