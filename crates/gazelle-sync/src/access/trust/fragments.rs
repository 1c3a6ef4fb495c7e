//! The parts that several statements share, so that they ask the same question: who we are (`session.sql`) and who may make
//! roles (`makers.sql`). A statement names them `{session}` and `{makers}`.

/// A statement with its shared parts filled in.
pub fn filled(statement: &str) -> String {
    statement
        .replace("{session}", include_str!("session.sql").trim_end())
        .replace("{makers}", include_str!("makers.sql").trim_end())
}
