//! Who writes staging, production and bookkeeping does it in a transaction that proves the lease: `lease/fence.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Block, FnArg, ImplItemFn, ItemFn, LitStr, Macro, Signature, Type};

use super::{files, src};

/// The modules that write what the lease protects. The others write what is theirs alone (`alerts`, `credentials`, `lease`) or
/// the shape of the database (`migrate`, `access`, `from_v5`).
const PROTECTED: [&str; 7] = [
    "drift/",
    "gazelle_to_staging/",
    "orchestrator/",
    "rebuild/",
    "run_log/",
    "staging/",
    "staging_to_production/",
];

/// Who writes without the lease; the reasons are in `lease/fence.rs`.
const WITHOUT_LEASE: [&str; 5] = [
    "run_log/forget_runs.rs forget_requests",
    "run_log/runs.rs save_requests",
    "run_log/wanted_runs.rs ask",
    "run_log/wanted_runs.rs next",
    "run_log/wanted_runs.rs refuse",
];

/// Whether a text is SQL that writes a table of the account's.
fn writes(text: &str) -> bool {
    // Of a format string, `{{schema}}` is what gets filled in later.
    let text = text.replace("{{", "{").replace("}}", "}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let verbs = ["INSERT INTO ", "UPDATE ", "DELETE FROM "];
    verbs
        .iter()
        .any(|verb| ["{schema}.", "{prefix}"].iter().any(|place| text.contains(&format!("{verb}{place}"))))
}

/// What a function takes and says.
struct Function {
    name: String,
    takes: BTreeSet<String>,
    /// Its literals, and the files that it includes.
    says: Vec<String>,
}

impl Function {
    fn is_fenced(&self) -> bool {
        ["Fence", "FencedTx", "Target"].iter().any(|proof| self.takes.contains(*proof))
    }

    fn writes(&self) -> bool {
        self.says.iter().any(|text| writes(text))
    }
}

/// The functions of a file.
#[derive(Default)]
struct Functions {
    folder: std::path::PathBuf,
    found: Vec<Function>,
}

impl Functions {
    fn of(folder: &Path, text: &str) -> Vec<Function> {
        let mut functions = Functions { folder: folder.to_owned(), found: Vec::new() };
        functions.visit_file(&syn::parse_file(text).unwrap());
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
            FnArg::Receiver(_) => {}
        });
        let mut says = Literals { folder: self.folder.clone(), found: Vec::new() };
        says.visit_block(block);
        self.found.push(Function { name: signature.ident.to_string(), takes: takes.0, says: says.found });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
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
    folder: std::path::PathBuf,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Literals {
    fn visit_lit_str(&mut self, literal: &'ast LitStr) {
        self.found.push(literal.value());
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
fn whoever_writes_proves_the_lease() {
    let (mut unproven, mut proven) = (BTreeSet::new(), 0);
    for (file, text) in files(&src(), "rs") {
        if !PROTECTED.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        let folder = src().join(&file).parent().unwrap().to_owned();
        for function in Functions::of(&folder, &text).into_iter().filter(Function::writes) {
            match function.is_fenced() {
                true => proven += 1,
                false => drop(unproven.insert(format!("{file} {}", function.name))),
            }
        }
    }
    assert!(proven > 30, "{proven}");
    let allowed: BTreeSet<String> = WITHOUT_LEASE.map(str::to_owned).into();
    assert_eq!(unproven, allowed, "functions that write and take neither a FencedTx nor a Fence");
}

#[test]
fn a_function_that_writes_is_seen() {
    for (text, seen) in [
        (r#"async fn f(tx: &Tx<'_>) { tx.execute("INSERT INTO {schema}.sync_runs", &[]) }"#, true),
        (r#"async fn f(db: &Db) { let sql = format!("DELETE  FROM {{schema}}.{}", x); }"#, true),
        (
            r#"impl X { async fn f(&self, tx: &db::Tx<'_>) { g("UPDATE {schema}.sync_runs SET x = 1") } }"#,
            true,
        ),
        (r#"async fn f(tx: &FencedTx<'_>) { tx.execute("INSERT INTO {schema}.sync_runs", &[]) }"#, false),
        (r#"async fn f(tx: &Tx<'_>) { tx.query("SELECT 1 FROM {schema}.sync_runs", &[]) }"#, false),
        (r#"async fn f(tx: &Tx<'_>) { tx.query(include_str!("interrupt_runs.sql"), &[]) }"#, true),
    ] {
        let of = Functions::of(&src().join("run_log"), text);
        let is_seen = of.iter().any(|function| function.writes() && !function.is_fenced());
        assert_eq!(is_seen, seen, "{text}");
    }
}
