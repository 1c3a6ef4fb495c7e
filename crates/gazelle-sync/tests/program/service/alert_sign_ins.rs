//! Refused sign-ins: counted by the service, told in both languages, still true for another process, and over an hour later.

use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::support::World;
use crate::support::people::{Caller, signed_in};
use crate::support::service::{Serving, until};
use crate::support::sink::{Received, WebhookReceiver};

#[tokio::test]
async fn fifty_refused_sign_ins_within_an_hour_are_told_and_are_over_an_hour_later() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.full_sync_ok().await;
    let sink = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &sink.url("/alerts/s3cr3t"));
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let title = "Many sign-ins to the dashboard were refused";
    assert!(!operator.get("/app/").await.body.contains(title));
    let guesser = Caller::of(&serving);
    let mut refused = Vec::new();
    for _ in 0..50 {
        let form = [("name", "Opératrice Exemple"), ("passphrase", "une autre phrase de passe")];
        refused.push(guesser.post("/app/sign-in", &form).await.status);
    }
    // The first few are looked at and wrong, the others are not looked at.
    assert!(refused.contains(&403) && refused.contains(&429), "{refused:?}");
    assert!(refused.iter().all(|status| [403, 429].contains(status)), "{refused:?}");
    let told = || sink.accepted().iter().map(Received::json).find(|it| it["kind"] == "sign_ins_refused");
    until("the alert is told", async || told().is_some()).await;
    let message = told().unwrap();
    assert_eq!(
        (&message["occasion"], &message["facts"]["count"]),
        (&json!("started"), &json!(50)),
        "{message}"
    );
    assert!(message["text"].as_str().unwrap().contains("50 attempts to sign in"), "{message}");
    assert!(!message.to_string().contains("Exemple"), "nobody's name: {message}");
    let open = world.run(&["alerts"]).await.success();
    assert_eq!(open["open"][0]["kind"], "sign_ins_refused", "{open}");
    until("Overview says it", async || operator.get("/app/").await.body.contains(title)).await;
    let french = operator.http.get(format!("{}/app/", operator.base)).header("accept-language", "fr-CA");
    let french = operator.send(french).await.body;
    assert!(french.contains("Beaucoup d&#39;ouvertures de session sont refusées"), "{french}");

    // A process that counted none of them comes to the same, until an hour has passed.
    assert_eq!(serving.stop().await.code, Some(0));
    let check = async || world.run(&["alerts", "check"]).await.success();
    assert_eq!(check().await["over"], 0);
    let old = json!({ "count": 50, "at": Timestamp::now() - 61.minutes() }).to_string();
    world.execute(&format!("UPDATE sync_notes SET value = '{old}' WHERE key = 'refused_sign_ins'")).await;
    assert_eq!(check().await["over"], 1);
    let over = sink.accepted().iter().map(Received::json).any(|it| it["occasion"] == "over");
    assert!(over, "{:?}", sink.accepted());
}
