//! Decides whether the objects in the database can be trusted: who owns our tables ([`owners`], `owner`), who else may
//! create objects beside them (`creators`), and what is attached to them that would run with our rights ([`bound`],
//! [`superuser`]). [`me`] says who we are ourselves, and `embedded` takes over what roles own in the embedded server.

pub mod bound;
pub(in crate::access) mod creators;
pub(in crate::access) mod embedded;
pub mod fragments;
pub(in crate::access) mod hand_over;
pub mod me;
pub mod names;
pub(in crate::access) mod owner;
pub mod owners;
pub mod superuser;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::fragments::filled;

    /// Every SQL file of the program, with its name.
    fn statements(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                statements(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "sql") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }

    /// Who is as good as a superuser, and who may make roles, stands in one place each. Statements that say in words by which role
    /// somebody is one look at each role themselves.
    #[test]
    fn who_is_a_superuser_and_who_makes_roles_stand_in_one_place() {
        let mut all = Vec::new();
        statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let with = |word: &str| {
            let mut names: Vec<&str> =
                all.iter().filter(|(_, sql)| sql.contains(word)).map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(with("'pg_execute_server_program'"), ["me.sql", "more_than_rows.sql", "session.sql"]);
        assert_eq!(
            with("rolcreaterole"),
            ["makers.sql", "me.sql", "more_than_rows.sql", "needed_first.sql", "trusted_makers.sql"]
        );
        assert_eq!(with("{session}"), ["bound.sql", "into_schema.sql", "owners.sql", "superuser.sql"]);
        assert_eq!(
            with("{makers}"),
            ["hand_over.sql", "not_the_owner.sql", "owner_rights.sql", "session.sql", "ungrantable.sql"]
        );
        // Where it is a reason to trust, a membership counts only if it gives CREATEROLE.
        assert_eq!(
            with("{trusted_makers}"),
            ["acting_members.sql", "bound.sql", "owners.sql", "superuser.sql"]
        );
        let server = "('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')";
        for (name, sql) in all.iter().filter(|(_, sql)| sql.contains("{session}") || sql.contains("{makers}"))
        {
            let sql = filled(sql);
            let is_filled = ["session", "makers", "ungrantable", "marked", "elsewhere", "mark", "old_mark"]
                .iter()
                .all(|part| !sql.contains(&format!("{{{part}}}")));
            assert!(is_filled && !sql.contains("{trusted_makers}"), "{name}");
            assert!(
                sql.contains("s.rolcreaterole AND pg_catalog.pg_has_role(maker.oid, s.oid, 'MEMBER')"),
                "{name}"
            );
        }
        for sql in [include_str!("session.sql"), include_str!("me.sql")] {
            assert!(sql.contains(server) && sql.contains("s.rolsuper"));
            assert!(sql.contains("pg_catalog.current_setting('server_version_num')::int < 160000"));
        }
    }
}
