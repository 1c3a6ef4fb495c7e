//! Settings and Doctor in a real browser, in both languages, both colours and on a narrow page.

use browser::Setup;

use super::people::Office;
use super::support::service::until;

/// Language, headings of Settings and Doctor, the button, and what the page says before and after.
const WORDS: [(&str, [&str; 2], &str, &str, &str); 2] = [
    ("en-CA", ["Settings", "Doctor"], "Examine", "Nobody has asked", "much may have changed"),
    (
        "fr-CA",
        ["Réglages", "Diagnostic"],
        "Examiner",
        "Personne n'a encore demandé",
        "bien des choses ont pu changer",
    ),
];

/// What has happened to the result, and how it comes to that.
const STATES: [(&str, &str); 3] = [
    ("fresh", "UPDATE sync_actions SET reason = NULL"),
    ("old", "UPDATE sync_actions SET ended_at = ended_at - interval '3 days'"),
    (
        "after one that failed",
        "INSERT INTO sync_actions (id, kind, arguments, digest, asked_at, outcome, reason, ended_at)
         VALUES (gen_random_uuid(), 'doctor', '{}', 'x', now(), 'failed', 'it was cut off', now())",
    ),
];

const WIDTHS: [(u32, bool); 3] = [(1280, false), (360, true), (320, false)];

#[tokio::test]
async fn an_operator_reads_the_settings_and_examines_in_both_languages() {
    let office = Office::open(Setup::default()).await;
    office.enter("Opératrice Exemple", &["--role", "operator"]).await;
    for (language, [settings, doctor], examine, never, old) in WORDS {
        office.world.execute("DELETE FROM sync_actions").await;
        for (width, dark) in WIDTHS {
            office.browser.set_up(Setup { width, dark, language, ..Setup::default() }).await.unwrap();
            office.go("/app/settings").await;
            assert_eq!(office.text("h1").await, settings);
            assert!(office.text("#all").await.contains("GAZELLE_SYNC_PAGE_SIZE"));
            office.keeps_nobody_out(&format!("settings {language} {width}")).await;
            office.browser.follow("main a.button").await.unwrap();
            assert_eq!(office.text("h1").await, doctor);
            assert!(office.text(".empty").await.starts_with(never));
            office.keeps_nobody_out(&format!("doctor, empty {language} {width}")).await;
        }
        assert_eq!(office.text("main form button").await, examine);
        office.browser.follow("main form button").await.unwrap();
        let done = async || {
            office.go("/app/doctor").await;
            office.browser.run("return document.querySelectorAll('.checks li').length").await.unwrap() != 0
        };
        until("the examination has ended", done).await;
        for (state, sql) in STATES {
            office.world.execute(sql).await;
            for (width, dark) in WIDTHS {
                office.browser.set_up(Setup { width, dark, language, ..Setup::default() }).await.unwrap();
                office.go("/app/doctor").await;
                assert_eq!(office.text("main").await.contains(old), state != "fresh", "{state} {language}");
                office.keeps_nobody_out(&format!("doctor, {state} {language} {width}")).await;
            }
        }
    }
    office.end().await;
}
