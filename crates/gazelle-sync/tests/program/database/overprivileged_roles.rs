//! `migrate --roles` with existing roles that have, or can acquire, too many privileges.

use super::roles::{owners, says};
use crate::support::deployed::assert_check;
use crate::support::roles::{act_as, supabase};
use crate::support::{DATABASE, World};
use serde_json::json;

/// What makes a role that is there already more than it should be, what is said of it, and what fixes it.
const TOO_MIGHTY: [(&str, &str, &str); 13] = [
    ("ALTER ROLE {role} SUPERUSER", "{role} is a superuser", "ALTER ROLE {role} NOSUPERUSER"),
    ("ALTER ROLE {role} BYPASSRLS", "{role} bypasses row security", "ALTER ROLE {role} NOBYPASSRLS"),
    ("ALTER ROLE {role} CREATEROLE", "{role} may make roles", "ALTER ROLE {role} NOCREATEROLE"),
    (
        "ALTER ROLE {role} REPLICATION",
        "{role} may read all of the server by replication",
        "ALTER ROLE {role} NOREPLICATION",
    ),
    (
        "GRANT makers TO {role}",
        "{role} is a member of makers, which may make roles",
        "REVOKE makers FROM {role}",
    ),
    (
        "GRANT inner_makers TO {role}",
        "{role} is a member of makers, which may make roles",
        "REVOKE makers FROM inner_makers",
    ),
    ("GRANT root TO {role}", "{role} is a member of root, which is a superuser", "REVOKE root FROM {role}"),
    (
        "GRANT unbounded TO {role}",
        "{role} is a member of unbounded, which bypasses row security",
        "REVOKE unbounded FROM {role}",
    ),
    (
        "GRANT pg_read_all_data TO {role}",
        "{role} is a member of pg_read_all_data",
        "REVOKE pg_read_all_data FROM {role}",
    ),
    (
        "GRANT pg_write_all_data TO {role}",
        "{role} is a member of pg_write_all_data",
        "REVOKE pg_write_all_data FROM {role}",
    ),
    (
        "GRANT pg_execute_server_program TO {role}",
        "{role} is a member of pg_execute_server_program",
        "REVOKE pg_execute_server_program FROM {role}",
    ),
    (
        "GRANT pg_read_server_files TO {role}",
        "{role} is a member of pg_read_server_files",
        "REVOKE pg_read_server_files FROM {role}",
    ),
    (
        "GRANT pg_write_server_files TO {role}",
        "{role} is a member of pg_write_server_files",
        "REVOKE pg_write_server_files FROM {role}",
    ),
];

#[tokio::test]
async fn a_role_that_can_become_more_than_it_should_is_given_nothing() {
    let mut world = supabase().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "CREATE ROLE makers CREATEROLE; CREATE ROLE inner_makers; GRANT makers TO inner_makers; CREATE ROLE root SUPERUSER;
             CREATE ROLE unbounded BYPASSRLS",
        )
        .await;
    let refused = async |world: &World, option: &str, words: [&str; 2]| {
        let run = world.run(&["migrate", "--roles", option, "theirs"]).await;
        let nothing = "pg_roles WHERE rolname LIKE 'gazelle%'";
        assert_eq!(world.count(nothing).await, 0, "changed: {run}");
        assert_eq!(owners(world).await, [json!({ "owner": "administrator" })], "{run}");
        says(&run, 1, &words);
    };
    for (option, login) in
        [("--sync-role", "LOGIN"), ("--reader-role", "NOLOGIN"), ("--owner-role", "NOLOGIN")]
    {
        for (grant, words, fix) in TOO_MIGHTY {
            let [grant, words, fix] = [grant, words, fix].map(|text| text.replace("{role}", "theirs"));
            world.execute(&format!("CREATE ROLE theirs {login}; {grant}")).await;
            refused(&world, option, [&words, &fix]).await;
            world.execute("DROP ROLE theirs").await;
        }
        world.execute(&format!("CREATE ROLE theirs {login}; GRANT administrator TO theirs")).await;
        // Who owns the database may make roles too here.
        refused(&world, option, ["theirs is a member of administrator", "REVOKE administrator FROM theirs"])
            .await;
        world.execute("ALTER ROLE administrator NOCREATEROLE NOBYPASSRLS").await;
        let words = [
            "theirs is a member of administrator, which owns the database",
            "REVOKE administrator FROM theirs",
        ];
        refused(&world, option, words).await;
        world.execute("DROP ROLE theirs; ALTER ROLE administrator CREATEROLE BYPASSRLS").await;
    }
    // Somebody who logs in and is a member of the owner owns the tables with it.
    world.execute("CREATE ROLE theirs NOLOGIN; CREATE ROLE clerk LOGIN; CREATE ROLE staff; GRANT theirs TO staff; GRANT staff TO clerk").await;
    refused(
        &world,
        "--owner-role",
        ["clerk may log in and is a member of theirs", "REVOKE theirs FROM staff"],
    )
    .await;
    world.execute("REVOKE staff FROM clerk; GRANT theirs TO administrator; ALTER ROLE clerk CREATEROLE; GRANT theirs TO clerk").await;
    // The administrator of another database of this server, as our messages advise to make it.
    world.execute("CREATE ROLE keeper LOGIN; GRANT theirs TO keeper WITH ADMIN OPTION").await;
    let of_keeper = ["keeper may log in and is a member of theirs", "REVOKE theirs FROM keeper"];
    refused(&world, "--owner-role", of_keeper).await;
    // A comment that is for another database proves nothing here, nor does one that names none where the role is used by another.
    world.execute("CREATE DATABASE elsewhere OWNER theirs").await;
    for of in ["", " in the database elsewhere"] {
        world.execute(&format!("COMMENT ON ROLE theirs IS 'owner of the tables of gazelle-sync{of}'")).await;
        refused(&world, "--owner-role", of_keeper).await;
    }
    world
        .execute(&format!(
            "COMMENT ON ROLE theirs IS 'owner of the tables of gazelle-sync in the database {DATABASE}'"
        ))
        .await;
    let dry = world.run(&["migrate", "--roles", "--owner-role", "theirs", "--dry-run"]).await.success();
    assert_eq!(dry["needed_first"], json!([]), "{dry}");
    // As earlier versions wrote it.
    world.execute("DROP DATABASE elsewhere").await;
    world.execute("COMMENT ON ROLE theirs IS 'owner of the tables of gazelle-sync'").await;
    world.run(&["migrate", "--roles", "--owner-role", "theirs"]).await.success();
    // And once they are in use it is told by the sync's own doctor.
    // But for who counts as a superuser, to whom it says that first.
    let told = ["BYPASSRLS", "REPLICATION", "unbounded", "pg_read_all_data", "pg_write_all_data"];
    for (grant, words, fix) in
        TOO_MIGHTY.iter().filter(|(grant, ..)| told.iter().any(|word| grant.contains(word)))
    {
        world.execute(&grant.replace("{role}", "gazelle_sync")).await;
        act_as(&mut world, "gazelle_sync");
        let [words, fix] = [words, fix].map(|text| text.replace("{role}", "gazelle_sync"));
        assert_check(&world.run(&["doctor"]).await, "our own role", "warning", &[&words, &fix]);
        world
            .execute(
                "ALTER ROLE gazelle_sync NOBYPASSRLS NOREPLICATION;
                 REVOKE unbounded, pg_read_all_data, pg_write_all_data FROM gazelle_sync",
            )
            .await;
    }
}
