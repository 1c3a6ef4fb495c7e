//! Whether what stands in the database can be trusted: who owns our tables ([`owners`], `owner`), who else may create
//! objects beside them (`creators`), and what is attached to them that would run with our rights ([`bound`],
//! [`superuser`]). [`me`] says who we are ourselves, and
//! `embedded` takes over what roles own in the embedded server.

pub mod bound;
pub(in crate::access) mod creators;
pub(in crate::access) mod embedded;
pub mod me;
pub(in crate::access) mod owner;
pub mod owners;
pub mod superuser;

#[cfg(test)]
mod tests {
    /// Who is as good as a superuser is asked in several statements, each for a purpose of its own.
    #[test]
    fn every_statement_means_the_same_by_a_superuser() {
        let condition = "WHERE (s.rolsuper OR s.rolname IN ('pg_execute_server_program', 'pg_write_server_files', \
                         'pg_read_server_files')) AND (pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER') OR \
                         pg_catalog.pg_has_role(login.oid, s.oid, 'MEMBER')))";
        let who_makes_roles = "pg_catalog.current_setting('server_version_num')::int < 160000";
        let all = [
            ("owners.sql", include_str!("owners.sql"), true),
            ("bound.sql", include_str!("bound.sql"), true),
            ("superuser.sql", include_str!("superuser.sql"), true),
            ("into_schema.sql", include_str!("../../rebuild/replay/into_schema.sql"), false),
        ];
        for (name, sql, asks_who_makes_roles) in all {
            let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(sql.contains(condition), "{name}");
            assert_eq!(sql.contains(who_makes_roles), asks_who_makes_roles, "{name}");
        }
        let me = include_str!("me.sql");
        assert!(
            me.contains("('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')")
        );
        assert!(me.contains(who_makes_roles) && me.contains("s.rolsuper"));
    }
}
