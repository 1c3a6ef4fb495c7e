//! Whoever writes rows does it in a transaction that checks the lease, or in one that names why it does not:
//! `lease/fence.rs` and `lease/unfenced.rs`. The compiler sees to it for statements that only write
//! (`WriteTx::execute`); these tests see to queries that write and return rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, ImplItemFn, ItemFn, ItemImpl, ItemStruct, LitStr, Macro, Signature, Type};

use super::{files, src};

/// Types that only such a transaction gives.
const PROOFS: [&str; 5] = ["Fence", "FencedTx", "Target", "UnfencedTx", "WriteTx"];

/// Whether a text is SQL that writes a table whose name, or schema, is filled in.
fn writes(text: &str) -> bool {
    // Of a format string, `{{schema}}` is what gets filled in later.
    let text = text.replace("{{", "{").replace("}}", "}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let verbs = ["INSERT INTO {", "DELETE FROM {", "MERGE INTO {"];
    // Of `UPDATE`, not that of `FOR UPDATE`.
    let updates = text.split("UPDATE {").collect::<Vec<_>>();
    let updated =
        updates.split_last().is_some_and(|(_, before)| before.iter().any(|it| !it.ends_with("FOR ")));
    updated || verbs.iter().any(|verb| text.contains(verb))
}

/// What a function takes and says.
struct Function {
    name: String,
    /// The types of its arguments, and of the fields of its `self` if that is a struct of the same file.
    takes: BTreeSet<String>,
    /// Its literals, and the files that it includes.
    says: Vec<String>,
    /// Whether it names a reason to write without the lease.
    gives_a_reason: bool,
}

impl Function {
    fn is_proven(&self) -> bool {
        self.gives_a_reason || PROOFS.iter().any(|proof| self.takes.contains(*proof))
    }

    fn writes(&self) -> bool {
        self.says.iter().any(|text| writes(text))
    }
}

/// The functions of a file.
#[derive(Default)]
struct Functions {
    folder: PathBuf,
    found: Vec<Function>,
    /// The types of the fields of each struct.
    structs: BTreeMap<String, BTreeSet<String>>,
    /// The types of the fields of `self`.
    own: BTreeSet<String>,
}

impl Functions {
    fn of(folder: &Path, text: &str) -> Vec<Function> {
        let file = syn::parse_file(text).unwrap();
        let mut structs = Structs::default();
        structs.visit_file(&file);
        let mut functions =
            Functions { folder: folder.to_owned(), structs: structs.0, ..Functions::default() };
        functions.visit_file(&file);
        functions.found
    }

    fn note(&mut self, signature: &Signature, block: &Block) {
        // Others only make statements.
        if signature.asyncness.is_none() {
            return;
        }
        let mut takes = Types::default();
        signature.inputs.iter().for_each(|input| match input {
            FnArg::Typed(typed) => takes.visit_type(&typed.ty),
            FnArg::Receiver(_) => takes.0.extend(self.own.clone()),
        });
        let mut says = Literals { folder: self.folder.clone(), found: Vec::new(), gives_a_reason: false };
        says.visit_block(block);
        let Literals { found: says, gives_a_reason, .. } = says;
        self.found.push(Function { name: signature.ident.to_string(), takes: takes.0, says, gives_a_reason });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, of: &'ast ItemImpl) {
        let name = match &*of.self_ty {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.own = name.and_then(|name| self.structs.get(&name).cloned()).unwrap_or_default();
        visit::visit_item_impl(self, of);
        self.own.clear();
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

/// The types of the fields of each struct.
#[derive(Default)]
struct Structs(BTreeMap<String, BTreeSet<String>>);

impl<'ast> Visit<'ast> for Structs {
    fn visit_item_struct(&mut self, of: &'ast ItemStruct) {
        let mut types = Types::default();
        of.fields.iter().for_each(|field| types.visit_type(&field.ty));
        self.0.insert(of.ident.to_string(), types.0);
    }
}

/// The names of the types in a type.
#[derive(Default)]
struct Types(BTreeSet<String>);

impl<'ast> Visit<'ast> for Types {
    fn visit_type(&mut self, of: &'ast Type) {
        if let Type::Path(path) = of {
            self.0.extend(path.path.segments.last().map(|segment| segment.ident.to_string()));
        }
        visit::visit_type(self, of);
    }
}

/// The literals of a body, with what `include_str!` reads.
struct Literals {
    folder: PathBuf,
    found: Vec<String>,
    /// Whether `Unfenced::…` is among its expressions.
    gives_a_reason: bool,
}

impl<'ast> Visit<'ast> for Literals {
    fn visit_lit_str(&mut self, literal: &'ast LitStr) {
        self.found.push(literal.value());
    }

    fn visit_expr(&mut self, of: &'ast Expr) {
        if let Expr::Path(path) = of {
            self.gives_a_reason |= path.path.segments.iter().any(|segment| segment.ident == "Unfenced");
        }
        visit::visit_expr(self, of);
    }

    fn visit_macro(&mut self, of: &'ast Macro) {
        let inside = of.tokens.to_string();
        let is_file = of.path.segments.last().is_some_and(|name| name.ident == "include_str");
        match fs::read_to_string(self.folder.join(inside.trim_matches('"'))) {
            Ok(text) if is_file => self.found.push(text),
            _ => self.found.push(inside),
        }
    }
}

#[test]
fn whoever_writes_proves_the_lease_or_gives_a_reason() {
    let (mut unproven, mut proven) = (Vec::new(), 0);
    for (file, text) in files(&src(), "rs") {
        let folder = src().join(&file).parent().unwrap().to_owned();
        for function in Functions::of(&folder, &text).into_iter().filter(Function::writes) {
            match function.is_proven() {
                true => proven += 1,
                false => unproven.push(format!("{file} {}", function.name)),
            }
        }
    }
    assert!(proven > 50, "{proven}");
    assert_eq!(unproven, [""; 0], "functions that write and neither take {PROOFS:?} nor name an Unfenced");
}

/// Nobody else begins such a transaction, or executes a statement of its own that writes.
#[test]
fn only_the_lease_lets_a_transaction_write() {
    let mut begun = BTreeSet::new();
    for (file, text) in files(&src(), "rs").into_iter().filter(|(file, _)| !file.starts_with("db/")) {
        let code: String = super::code(&text).split_whitespace().collect();
        if ["begin_to_write(", "db.execute(", "aside.execute(", "aside().execute("]
            .iter()
            .any(|call| code.contains(call))
        {
            begun.insert(file);
        }
    }
    assert_eq!(begun, BTreeSet::from(["lease/fence.rs", "lease/unfenced.rs"].map(str::to_owned)));
}

#[test]
fn a_function_that_writes_is_seen() {
    for (text, seen) in [
        (r#"async fn f(tx: &Tx<'_>) { tx.query("INSERT INTO {schema}.sync_runs", &[]) }"#, true),
        (r#"async fn f(db: &Db) { let sql = format!("DELETE  FROM {{schema}}.{}", x); }"#, true),
        (r#"async fn f(tx: &Tx<'_>) { tx.query(&format!("DELETE FROM {of_ids}{free}"), &[]) }"#, true),
        (r#"async fn f(tx: &Tx<'_>) { tx.query(&format!("INSERT INTO {}.{MANIFEST}", b), &[]) }"#, true),
        (
            r#"impl X { async fn f(&self, tx: &db::Tx<'_>) { g("UPDATE {schema}.sync_runs SET x = 1") } }"#,
            true,
        ),
        (
            r#"struct X<'t> { tx: &'t Tx<'t> } impl X<'_> { async fn f(&self) { g("UPDATE {schema}.t") } }"#,
            true,
        ),
        (
            r#"struct X<'t> { tx: &'t UnfencedTx<'t> } impl X<'_> { async fn f(&self) { g("UPDATE {schema}.t") } }"#,
            false,
        ),
        (r#"async fn f(db: &Db) { Unfenced::Alerts.query(db, "UPDATE {schema}.t", &[]) }"#, false),
        (r#"async fn f(tx: &FencedTx<'_>) { tx.execute("INSERT INTO {schema}.sync_runs", &[]) }"#, false),
        (r#"async fn f(tx: &Tx<'_>) { tx.query("SELECT 1 FROM {schema}.sync_runs", &[]) }"#, false),
        (r#"async fn f(tx: &Tx<'_>) { tx.query("SELECT 1 FROM {schema}.t FOR UPDATE {skip}", &[]) }"#, false),
        (r#"async fn f(tx: &Tx<'_>) { tx.query(include_str!("interrupt_runs.sql"), &[]) }"#, true),
    ] {
        let of = Functions::of(&src().join("run_log"), text);
        let is_seen = of.iter().any(|function| function.writes() && !function.is_proven());
        assert_eq!(is_seen, seen, "{text}");
    }
}
