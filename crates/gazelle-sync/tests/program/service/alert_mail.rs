//! Alerts by e-mail: encrypted, one message per recipient, retried while the server is down, no duplicates.

use serde_json::Value;

use crate::support::failing::{check, failed_place, mail_settings, make_messages_due, succeed};
use crate::support::mail::{Identity, MailServer, ServerBehaviour};

#[tokio::test]
async fn mail_goes_out_encrypted_both_ways_and_waits_while_the_server_is_down() {
    let identity = Identity::new();
    for (scheme, wrapped) in [("smtp", false), ("smtps", true)] {
        let mut place = failed_place().await;
        place.env.insert("GAZELLE_SYNC_LANGUAGE".to_owned(), "fr".to_owned());
        let server =
            MailServer::start(&identity, ServerBehaviour { wrapped, ..ServerBehaviour::default() }).await;
        let address = server.address;
        mail_settings(&mut place, &identity, &server, scheme, "anne@example.org, Bob <bob@example.net>");
        drop(server);
        check(&place).await;
        make_messages_due(&place).await;
        let list = place.run(&["alerts"]).await.success();
        assert_eq!(list["undelivered"].as_array().unwrap().len(), 2, "{scheme} {list}");
        assert!(
            list["undelivered"][0]["last_error"].as_str().unwrap().contains("could not be reached"),
            "{list}"
        );

        let server =
            MailServer::at(address, &identity, ServerBehaviour { wrapped, ..ServerBehaviour::default() })
                .await;
        check(&place).await;
        make_messages_due(&place).await;
        check(&place).await;
        let mut mails = server.mails();
        mails.sort_by_key(|mail| mail.to.clone());
        assert_eq!(mails.len(), 2, "{scheme}: {mails:#?}");
        assert_eq!([&mails[0].to[..], &mails[1].to[..]], [["anne@example.org"], ["bob@example.net"]]);
        for mail in &mails {
            assert!(mail.encrypted, "{scheme}");
            assert_eq!(mail.from, "sync@example.org");
            // base64 of NUL sync NUL p@ss-s3cr3t
            assert_eq!(mail.login.as_deref(), Some("AHN5bmMAcEBzcy1zM2NyM3Q="), "{scheme}");
            assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
            // base64 of "L'exécution"
            assert!(mail.header("Subject").unwrap().contains("?TCdleMOpY3V0aW9u?= a "), "{mail:?}");
            assert!(mail.header("Date").is_some());
        }

        succeed(&place).await;
        check(&place).await;
        let over =
            server.mails().into_iter().find(|mail| mail.header("In-Reply-To").is_some()).expect("over");
        assert_eq!(over.header("In-Reply-To"), mails[0].header("Message-ID"), "it is an answer to the first");
        assert_eq!(server.mails().len(), 4);
    }
}

#[tokio::test]
async fn one_receiver_who_is_unknown_keeps_nobody_else_from_his_mail() {
    let identity = Identity::new();
    let mut place = failed_place().await;
    let unknown = ["gone@example.org".to_owned()].into();
    let server =
        MailServer::start(&identity, ServerBehaviour { unknown, ..ServerBehaviour::default() }).await;
    mail_settings(&mut place, &identity, &server, "smtp", "gone@example.org,anne@example.org");
    check(&place).await;
    make_messages_due(&place).await;
    let ran = place.run(&["alerts", "check"]).await;
    assert_eq!(server.mails().len(), 1, "{:?}", server.mails());
    let list = place.run(&["alerts"]).await;
    let waiting = &list.json()["undelivered"];
    assert_eq!(waiting.as_array().unwrap().len(), 1, "{list}");
    assert!(waiting[0]["last_error"].as_str().unwrap().contains("550"), "{list}");
    for text in [&ran.stdout, &ran.stderr, &list.stdout, &list.stderr] {
        assert!(!text.contains("gone@") && !text.contains("anne@"), "{text}");
    }
    server.change(|manners| manners.unknown.clear());
    make_messages_due(&place).await;
    check(&place).await;
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_server_that_takes_a_mail_and_is_gone_gets_it_again_under_the_same_name() {
    let identity = Identity::new();
    let mut place = failed_place().await;
    let server = MailServer::start(
        &identity,
        ServerBehaviour { silent_after_data: true, ..ServerBehaviour::default() },
    )
    .await;
    mail_settings(&mut place, &identity, &server, "smtp", "anne@example.org");
    check(&place).await;
    server.change(|manners| manners.silent_after_data = false);
    make_messages_due(&place).await;
    check(&place).await;
    let names: Vec<_> = server.mails().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0], names[1], "mail readers show one");
}

#[tokio::test]
async fn a_mail_server_without_a_trusted_certificate_gets_neither_password_nor_mail() {
    let (identity, other) = (Identity::new(), Identity::new());
    for (scheme, wrapped) in [("smtp", false), ("smtps", true)] {
        let mut place = failed_place().await;
        let server =
            MailServer::start(&identity, ServerBehaviour { wrapped, ..ServerBehaviour::default() }).await;
        mail_settings(&mut place, &other, &server, scheme, "anne@example.org");
        let ran = place.run(&["alerts", "check"]).await;
        assert_eq!(ran.success()["failed"], 1);
        assert!(ran.stderr.to_lowercase().contains("certificate"), "{ran}");
        assert!(server.connections() > 0 && server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_link_is_mailed_to_who_is_invited_and_stands_nowhere_else() {
    let identity = Identity::new();
    let mut place = failed_place().await;
    let invite =
        ["people", "invite", "Bob", "--role", "office", "--language", "fr", "--email", "bob@example.net"];
    let people = "SELECT count(*) FROM sync_people";
    // Without a mail server nothing is made, nor for what is no address.
    let ran = place.run(&invite).await;
    assert!(ran.code != 0 && ran.stderr.contains("SMTP_URL"), "{ran}");
    let server = MailServer::start(&identity, ServerBehaviour::default()).await;
    mail_settings(&mut place, &identity, &server, "smtp", "anne@example.org");
    place.env.insert("GAZELLE_SYNC_LOG".to_owned(), "trace".to_owned());
    let ran = place.run(&["people", "invite", "Bob", "--role", "office", "--email", "bob"]).await;
    assert!(ran.code != 0 && ran.stderr.contains("no e-mail address"), "{ran}");
    assert_eq!(place.one::<i64>(people, &[]).await, 0);

    let ran = place.run(&invite).await;
    let said = ran.success();
    assert_eq!((&said["link"], &said["is_mailed"]), (&Value::Null, &Value::Bool(true)), "{said}");
    let mails = server.mails();
    assert_eq!(
        (mails.len(), &mails[0].to[..], mails[0].encrypted),
        (1, &["bob@example.net".to_owned()][..], true)
    );
    // Soft line breaks of quoted-printable.
    let text = mails[0].data.replace("=\r\n", "");
    assert!(text.contains("Bonjour Bob."), "{text}");
    let link = text.lines().find(|line| line.starts_with("http://127.0.0.1")).expect("a line of its own");
    let secret = link.rsplit('/').next().unwrap();
    assert_eq!(secret.len(), 43, "{link}");
    for output in [&ran.stdout, &ran.stderr] {
        assert!(!output.contains(secret) && !output.contains("bob@"), "{output}");
    }
    let opens = "SELECT count(*) FROM sync_people WHERE link_hash IS NOT NULL AND name = 'Bob'";
    assert_eq!(place.one::<i64>(opens, &[]).await, 1);

    // A mail that is not taken is an error, which says what to do.
    server.change(|manners| {
        manners.unknown.insert("bob@example.net".to_owned());
    });
    let ran = place.run(&invite).await;
    assert!(ran.code == 1 && ran.stderr.contains("invite again for a new link"), "{ran}");
    assert!(!ran.stderr.contains("bob@") && server.mails().len() == 1, "{ran}");
}
