use super::*;

#[test]
fn a_connection_string_that_cannot_be_used_is_told_by_the_name_of_its_parameter() {
    for good in [
        "postgres://sync:geheim@db/shop?sslmode=verify-full&sslrootcert=/ca.pem&pgbouncer=true",
        "host=db user=sync password=geheim",
        "postgres://sync:so/geheim@db/shop?application_name=sync@home",
        "host=db user=sync password=so@geheim",
        "postgres://one,two:5433/shop?target_session_attrs=read-write",
    ] {
        assert_eq!(check_url(good), Ok(()));
    }
    for (wrong, told) in [
        ("postgres://sync:geheim@127.0.0.1:55999/f1?foo=bar", "`foo`"),
        ("postgres://sync:geheim@db/shop?sslmode=perhaps", "`sslmode`"),
        (
            "postgres://sync:geheim@db/shop?sslmode=allow",
            "`sslmode`: it may be disable, prefer, require, verify-ca or verify-full",
        ),
        ("host=db password=geheim sslmode=allow", "`sslmode`: it may be disable, prefer or require"),
        ("postgres://sync:geheim@db/shop?target_session_attrs=x", "it may be any, read-write or read-only"),
        ("postgres://sync:geheim@db:many/shop", "`port`"),
        ("postgres://geheim@[", "`host`"),
        ("host=db password=so geheim=x", "a parameter that is not known"),
        ("postgres://sync:so@db?geheim=x@db/shop", "a parameter that is not known"),
        ("postgres://sync@db/shop?Geheim=x", "cannot be read"),
        // The driver takes what follows the first @ as the host: it would be shown and sent to name servers.
        ("postgres://sync:so@Geheim@db/shop", "written as %40"),
        ("postgres://sync:so@Gehe/im@db/shop", "written as %40"),
        ("postgres://sync@server:Geheim@db/shop", "written as %40"),
        ("postgres://sync:so@Geheim%40db/shop", "written as %40"),
        ("postgres://db/shop?password=so@Geheim", "written as %40"),
        ("postgres://[::1]:?sslmode=require&password=so@Geheim", "written as %40"),
    ] {
        let error = check_url(wrong).unwrap_err();
        assert!(error.contains(told) && !error.to_lowercase().contains("geheim"), "{wrong}: {error}");
    }
}

#[test]
fn people_are_told_host_and_database_and_nothing_of_user_or_password() {
    for (url, told) in [
        ("postgres://sync:geheim@db.example.org/shop?sslmode=verify-full", Some("db.example.org/shop")),
        ("postgres://sync:geheim@db.example.org:6543", Some("db.example.org:6543")),
        ("postgres://sync:geheim@[::1]:6543/shop", Some("[::1]:6543/shop")),
        ("postgres://one,two:5433/shop", Some("one/shop")),
        ("host=/run/pg dbname=shop password=geheim", Some("shop on the socket in /run/pg")),
        ("postgres://sync@%2Frun%2Fpg:5433", Some("on the socket in /run/pg:5433")),
        ("postgres://sync:so@geheim@db/shop", None),
        ("postgres:///shop", None),
    ] {
        assert_eq!(host_and_database(url).as_deref(), told, "{url}");
    }
}

#[test]
fn a_place_names_host_port_and_database_and_no_person() {
    for (url, told) in [
        ("postgres://sync:geheim@db/shop", "db:5432 (database shop)"),
        ("postgres://sync:geheim@127.0.0.1:55999/shop", "127.0.0.1:55999 (database shop)"),
        ("postgres://sync@[::1]:6543/shop", "[::1]:6543 (database shop)"),
    ] {
        assert_eq!(place(&Config::from_str(url).unwrap()), told);
    }
}
