//! The parts that several statements share, so that they ask the same question: who we are (`session.sql`), who may make
//! roles (`makers.sql`, and `trusted_makers.sql` where it is a reason to trust), which roles no message advises to grant
//! (`ungrantable.sql`, `elsewhere.sql`), and which a comment names as the owner of the tables (`marked.sql`). A statement names
//! them `{session}` and so on; `{mark}` is that comment.

use crate::access::roles::MARK_OF_OWNER;

/// A statement with its shared parts filled in. A part may name those after it.
pub fn filled(statement: &str) -> String {
    let mark =
        format!("pg_catalog.format('{MARK_OF_OWNER} in the database %s', pg_catalog.current_database())");
    [
        ("{session}", include_str!("session.sql")),
        ("{ungrantable}", include_str!("ungrantable.sql")),
        ("{marked}", include_str!("marked.sql")),
        ("{makers}", include_str!("makers.sql")),
        ("{trusted_makers}", include_str!("trusted_makers.sql")),
        ("{elsewhere}", include_str!("elsewhere.sql")),
        ("{old_mark}", MARK_OF_OWNER),
        ("{mark}", &mark),
    ]
    .iter()
    .fold(statement.to_owned(), |statement, (name, part)| statement.replace(name, part.trim_end()))
}
