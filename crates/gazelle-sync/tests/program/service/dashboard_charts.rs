//! What the charts of the dashboard show of a month of runs: the same numbers as the database, on each screen.

use serde_json::Value;

use crate::support::World;
use crate::support::month::{MONTH, MORE_REQUESTS};
use crate::support::service::{OUR_SCRIPT, Serving, until};

/// A month of runs, before a service that runs nothing itself.
async fn month() -> (World, Serving) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.full_sync_ok().await;
    world.execute("INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')").await;
    world.execute(MONTH).await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    (world, serving)
}

async fn page(serving: &Serving, path: &str) -> String {
    let (status, body) = serving.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    let body = body.replacen(OUR_SCRIPT, "", 1);
    for never in ["NaN", "inf", "style=", "<script"] {
        assert!(!body.contains(never), "{path} has {never}");
    }
    body.replace("&#39;", "'").replace("&#62;", ">").replace('\u{a0}', " ")
}

fn list<'d>(document: &'d Value, name: &str) -> &'d Vec<Value> {
    document[name].as_array().unwrap_or_else(|| panic!("{name}: {document}"))
}

#[tokio::test]
async fn a_flood_of_changes_is_marked_beside_what_is_usual() {
    let (world, serving) = month().await;
    let body = page(&serving, "/app/runs").await;
    assert!(body.contains("Appointments: at most 4,010 records changed"), "{body}");
    assert!(body.contains("<span class=\"hidden\">more than usual</span></span>4,010</td>"), "{body}");
    // What is usual, as the database says it.
    let document = serving.document("/app/runs.json").await;
    for usual in list(&document, "usual") {
        let sql = format!(
            "SELECT format('%s %s %s', count(*), percentile_disc(0.05) WITHIN GROUP (ORDER BY staged),
                           percentile_disc(0.95) WITHIN GROUP (ORDER BY staged))
               FROM sync_run_entities JOIN sync_runs USING (run_id)
              WHERE entity = '{}' AND walk IS NOT NULL AND started_at > now() - interval '30 days'",
            usual["entity"].as_str().unwrap()
        );
        let said = format!("{} {} {}", usual["runs"], usual["low"], usual["high"]);
        assert_eq!(Some(said), world.text(&sql).await);
    }
    assert_eq!(list(&document, "usual").len(), 4);
    let runs = list(&document, "runs").len();
    assert_eq!((runs, list(&document, "changed").len()), (50, 200), "of the listed runs alone");
    assert!(page(&serving, "/app/runs?status=failed").await.contains("No run matches this filter."));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn every_request_of_a_long_run_is_drawn_on_one_of_its_pages() {
    let (world, serving) = month().await;
    world.execute(MORE_REQUESTS).await;
    let newest =
        "SELECT run_id::text FROM sync_runs WHERE program = 'planted' ORDER BY started_at DESC LIMIT 1";
    let run = world.text(newest).await.unwrap();
    let mut path = format!("/app/runs/{run}");
    for (drawn, next) in [("1 to 200", Some(200)), ("201 to 400", Some(400)), ("401 to 470", None)] {
        let body = page(&serving, &path).await;
        assert!(body.contains(&format!("Requests {drawn} of 470, within ")), "{drawn}: {body}");
        assert_eq!(
            body.contains("Stage 2, below: "),
            path.ends_with(&run),
            "with the first ones alone: {body}"
        );
        assert_eq!(body.contains(">the first ones</a>"), !path.ends_with(&run));
        let link = next.map(|after| format!("/app/runs/{run}?after={after}"));
        assert_eq!(body.contains(">the next ones</a>"), link.is_some());
        assert!(link.as_ref().is_none_or(|link| body.contains(&format!("{link}#requests"))), "{body}");
        path = link.unwrap_or(path);
    }
    // 4 of the first 70 were tried again, and one got no answer.
    let body = page(&serving, &format!("/app/runs/{run}?after=nothing")).await;
    assert!(body.contains(", 4 were tried again, 1 got no answer"), "{body}");
    let document = serving.document(&format!("/app/runs/{run}.json")).await;
    assert_eq!((list(&document, "sent").len(), &document["more_after"]), (200, &Value::from(200)));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_heat_of_latency_counts_every_answered_request_of_seven_local_days() {
    let (world, serving) = month().await;
    let document = serving.document("/app/latency.json").await;
    let hours = list(&document, "hours");
    // An hour less or more where the clocks change.
    assert!((167..=169).contains(&(hours.len() - 1)), "{}", hours.len());
    let counted: i64 = list(&document, "cells").iter().map(|cell| cell["requests"].as_i64().unwrap()).sum();
    let (from, to) = (hours[0].as_str().unwrap(), hours[hours.len() - 1].as_str().unwrap());
    let sql = format!(
        "SELECT count(*)::text FROM sync_run_requests q JOIN sync_runs r USING (run_id)
          WHERE r.started_at >= '{from}' AND q.started_at < '{to}' AND q.outcome = 'ok'"
    );
    assert_eq!(world.text(&sql).await, Some(counted.to_string()));
    let body = page(&serving, "/app/latency").await;
    assert!(body.contains("half of the responses took at most "), "{body}");
    assert!(body.contains(">≤ 250 ms</th>") && body.contains(">> 16.0 s</th>"), "{body}");
    assert!(body.len() < 60_000, "{} bytes", body.len());
    world.execute("DELETE FROM sync_run_requests").await;
    assert!(page(&serving, "/app/latency").await.contains("No answer within the last 7 days."));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn each_local_day_of_the_quarantine_and_of_staging_has_the_numbers_of_the_database() {
    let (world, serving) = month().await;
    let zone = "AT TIME ZONE 'America/Toronto')::date";
    let document = serving.document("/app/quarantine.json").await;
    let days = list(&document, "days");
    assert_eq!(days.len(), 30);
    for day in days {
        let sql = format!(
            "SELECT format('%s %s', count(*) FILTER (WHERE (first_seen_at {zone} = '{date}'),
                           count(*) FILTER (WHERE (closed_at {zone} = '{date}')) FROM sync_quarantine",
            date = day["date"].as_str().unwrap()
        );
        assert_eq!(Some(format!("{} {}", day["came"], day["closed"])), world.text(&sql).await, "{day}");
    }
    assert!(page(&serving, "/app/quarantine").await.contains("within 30 days: "));

    let document = serving.document("/app/overview.json").await;
    let (days, grown) = (list(&document["growth"], "days"), list(&document["growth"], "grown"));
    assert_eq!(days.len(), 31, "and the day after");
    for (at, day) in days[..30].iter().enumerate() {
        let of_day = grown.iter().filter(|one| one["day"] == at);
        let staged: i64 = of_day.map(|one| one["staged"].as_i64().unwrap()).sum();
        let sql = format!(
            "SELECT coalesce(sum(staged), 0)::text FROM sync_run_entities JOIN sync_runs r USING (run_id)
              WHERE (r.started_at {zone} = '{}'",
            day[0].as_str().unwrap()
        );
        assert_eq!(Some(staged.to_string()), world.text(&sql).await, "{day}");
    }
    let body = page(&serving, "/app/").await;
    assert!(body.contains("more than 30 days ago; at this pace "), "{body}");
    assert!(body.contains("size limit is not known here"), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));
}
