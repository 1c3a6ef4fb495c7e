//! What is planted: overloads of every function and operator that the program's sources may call.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::World;

/// What an argument can be declared as: an exact match wins over the server's function that takes any of them.
const TYPES: [&str; 18] = [
    "text",
    "name",
    "int2",
    "int4",
    "int8",
    "float8",
    "numeric",
    "bool",
    "timestamptz",
    "date",
    "interval",
    "uuid",
    "jsonb",
    "bytea",
    "oid",
    "regclass",
    "text[]",
    "uuid[]",
];

/// More schemas that a session may look through: those named as its role, which `"$user"` stands for, that of Supabase's
/// extensions, and two that a path of a role leads to, everywhere and in this database.
pub const OTHERS: [&str; 7] = [
    "gazelle_sync",
    "administrator",
    "gazelle_owner",
    "postgres",
    "extensions",
    "of_the_role",
    "of_the_role_here",
];

/// What the program's sources may call by name or by operator. What is no SQL in them is no name in the server's catalog, or
/// planted for nothing.
#[derive(Default)]
pub struct Called {
    functions: BTreeSet<String>,
    operators: BTreeSet<String>,
}

pub fn called() -> Called {
    fn gather(folder: &Path, called: &mut Called) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, called);
            } else {
                called.read(&std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    let mut called = Called::default();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut called);
    called
}

impl Called {
    /// The words that stand before a parenthesis, and whatever can be an operator.
    fn read(&mut self, text: &str) {
        for (at, _) in text.match_indices('(') {
            let before = text[..at].trim_end();
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let word = &before[before.trim_end_matches(is_part).len()..];
            self.functions.extend((!word.is_empty()).then(|| word.to_ascii_lowercase()));
        }
        // `a=-1` holds two operators and no sign says where one ends: each part of a run may be one.
        for run in text.split(|c: char| !"+-*/<>=~!@#%^&|?".contains(c)) {
            for from in 0..run.len() {
                self.operators
                    .extend((from + 1..=run.len().min(from + 4)).map(|to| run[from..to].to_owned()));
            }
        }
        // What keywords stand for.
        for (word, operator) in [("like", "~~"), ("not like", "!~~"), ("ilike", "~~*"), ("not ilike", "!~~*")]
        {
            let says = text.to_ascii_lowercase().contains(&format!(" {word} "));
            self.operators.extend(says.then(|| operator.to_owned()));
        }
    }
}

/// As a list of SQL literals.
fn quoted<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts = texts.into_iter().map(|text| format!("'{}'", text.as_ref()));
    texts.collect::<Vec<_>>().join(", ")
}

/// Puts overloads of every function and operator that the sources may call into both schemas, which a new session looks
/// through before the server's own.
pub async fn plant(world: &World, called: &Called) {
    let sql = include_str!("../planted_functions.sql")
        .replace("{database}", crate::support::DATABASE)
        .replace("{functions}", &quoted(&called.functions))
        .replace("{operators}", &quoted(&called.operators))
        .replace("{types}", &quoted(TYPES))
        .replace("{others}", &quoted(OTHERS));
    world.execute(&sql).await;
}
