//! UTC in storage, always; Montréal's hours in the view, whatever the session and the season.

use crate::support::{TestInstallation, World};
use serde_json::{Value, json};

const ZONES: [&str; 6] =
    ["UTC", "Asia/Tokyo", "America/Toronto", "Pacific/Kiritimati", "America/St_Johns", "Pacific/Pago_Pago"];

/// Title (also the id), start, duration in minutes, all day; then how it is stored and what a Montrealer reads.
struct Case {
    id: &'static str,
    start: &'static str,
    duration: i64,
    all_day: bool,
    stored: (&'static str, &'static str),
    read: (&'static str, &'static str),
    last_day: &'static str,
}

const fn case(
    id: &'static str,
    start: &'static str,
    stored: (&'static str, &'static str),
    read: (&'static str, &'static str),
) -> Case {
    Case { id, start, duration: 60, all_day: false, stored, read, last_day: read.0 }
}

/// From local midnight of the first of two days to the end of the second.
const fn all_day(
    id: &'static str,
    start: &'static str,
    duration: i64,
    stored: (&'static str, &'static str),
    days: (&'static str, &'static str),
) -> Case {
    Case { id, start, duration, all_day: true, stored, read: (days.0, "00:00:00"), last_day: days.1 }
}

/// Worked out by hand from the calendar: EST is UTC-5, EDT is UTC-4 from 2026-03-08 07:00Z to 2026-11-01 06:00Z.
const CASES: &[Case] = &[
    case("avant 8h", "2026-01-09T12:00:00Z", ("2026-01-09", "12:00:00"), ("2026-01-09", "07:00:00")),
    case("à 18h", "2026-01-09T23:00:00Z", ("2026-01-09", "23:00:00"), ("2026-01-09", "18:00:00")),
    case("soirée", "2026-01-10T01:30:00Z", ("2026-01-10", "01:30:00"), ("2026-01-09", "20:30:00")),
    case("été", "2026-07-15T11:00:00Z", ("2026-07-15", "11:00:00"), ("2026-07-15", "07:00:00")),
    Case {
        last_day: "2026-07-16",
        ..case("soir d'été", "2026-07-16T03:59:00Z", ("2026-07-16", "03:59:00"), ("2026-07-15", "23:59:00"))
    },
    Case {
        last_day: "2027-01-01",
        ..case("an neuf", "2027-01-01T04:59:59Z", ("2027-01-01", "04:59:59"), ("2026-12-31", "23:59:59"))
    },
    case("mars avant", "2026-03-08T06:59:00Z", ("2026-03-08", "06:59:00"), ("2026-03-08", "01:59:00")),
    case("mars après", "2026-03-08T07:00:00Z", ("2026-03-08", "07:00:00"), ("2026-03-08", "03:00:00")),
    case("mars veille", "2026-03-08T01:30:00Z", ("2026-03-08", "01:30:00"), ("2026-03-07", "20:30:00")),
    case("mars soir", "2026-03-09T00:30:00Z", ("2026-03-09", "00:30:00"), ("2026-03-08", "20:30:00")),
    case("nov. premier", "2026-11-01T05:30:00Z", ("2026-11-01", "05:30:00"), ("2026-11-01", "01:30:00")),
    case("nov. second", "2026-11-01T06:30:00Z", ("2026-11-01", "06:30:00"), ("2026-11-01", "01:30:00")),
    case("nov. veille", "2026-11-01T00:30:00Z", ("2026-11-01", "00:30:00"), ("2026-10-31", "20:30:00")),
    case("nov. soir", "2026-11-02T01:30:00Z", ("2026-11-02", "01:30:00"), ("2026-11-01", "20:30:00")),
    // An offset in the text changes nothing.
    case("décalage", "2026-01-09T07:00:00-05:00", ("2026-01-09", "12:00:00"), ("2026-01-09", "07:00:00")),
    Case {
        duration: 1440,
        all_day: true,
        ..case("jour UTC", "2026-05-04T00:00:00Z", ("2026-05-04", "00:00:00"), ("2026-05-04", "00:00:00"))
    },
    Case {
        duration: 1440,
        all_day: true,
        ..case("jour local", "2026-05-04T04:00:00Z", ("2026-05-04", "04:00:00"), ("2026-05-04", "00:00:00"))
    },
    Case {
        duration: 1440,
        all_day: true,
        ..case("jour d'hiver", "2026-02-04T05:00:00Z", ("2026-02-04", "05:00:00"), ("2026-02-04", "00:00:00"))
    },
    Case {
        duration: 3 * 1440,
        all_day: true,
        last_day: "2026-05-06",
        ..case("trois jours", "2026-05-04T00:00:00Z", ("2026-05-04", "00:00:00"), ("2026-05-04", "00:00:00"))
    },
    // Local midnight, over days of 23 and of 25 hours; the minutes count 24 a day, or what it has.
    all_day(
        "jour de mars",
        "2026-03-08T05:00:00Z",
        1440,
        ("2026-03-08", "05:00:00"),
        ("2026-03-08", "2026-03-08"),
    ),
    all_day(
        "23 heures",
        "2026-03-08T05:00:00Z",
        1380,
        ("2026-03-08", "05:00:00"),
        ("2026-03-08", "2026-03-08"),
    ),
    all_day(
        "trois en mars",
        "2026-03-07T05:00:00Z",
        4320,
        ("2026-03-07", "05:00:00"),
        ("2026-03-07", "2026-03-09"),
    ),
    all_day(
        "71 heures",
        "2026-03-07T05:00:00Z",
        4260,
        ("2026-03-07", "05:00:00"),
        ("2026-03-07", "2026-03-09"),
    ),
    all_day(
        "jour de nov.",
        "2026-11-01T04:00:00Z",
        1440,
        ("2026-11-01", "04:00:00"),
        ("2026-11-01", "2026-11-01"),
    ),
    all_day(
        "25 heures",
        "2026-11-01T04:00:00Z",
        1500,
        ("2026-11-01", "04:00:00"),
        ("2026-11-01", "2026-11-01"),
    ),
    all_day(
        "trois en nov.",
        "2026-10-31T04:00:00Z",
        4320,
        ("2026-10-31", "04:00:00"),
        ("2026-10-31", "2026-11-02"),
    ),
    all_day(
        "sans durée",
        "2026-10-31T04:00:00Z",
        0,
        ("2026-10-31", "04:00:00"),
        ("2026-10-31", "2026-10-31"),
    ),
    Case {
        duration: 3 * 1440,
        last_day: "2026-05-07",
        ..case("festival", "2026-05-04T13:00:00Z", ("2026-05-04", "13:00:00"), ("2026-05-04", "09:00:00"))
    },
    // Ends at midnight, local: the next day is not touched.
    Case {
        duration: 180,
        ..case(
            "jusqu'à minuit",
            "2026-05-05T01:00:00Z",
            ("2026-05-05", "01:00:00"),
            ("2026-05-04", "21:00:00"),
        )
    },
];

async fn with_cases() -> TestInstallation {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    for case in CASES {
        let record = json!({
            "id": case.id, "title": case.id, "start": case.start, "duration": case.duration, "isAllDay": case.all_day,
        });
        place.stage("staging_appointments", case.id, &record, None).await;
        // Not by the key alone, so that no id of ours decides the order.
        place
            .execute("UPDATE staging_appointments SET fetched_at = fetched_at + interval '1 microsecond'")
            .await;
    }
    place
}

fn row<'r>(rows: &'r [Value], id: &str) -> &'r Value {
    rows.iter().find(|row| row["external_id"] == id).unwrap_or_else(|| panic!("no {id} in {rows:#?}"))
}

#[tokio::test]
async fn every_hour_is_stored_in_utc_and_read_in_montreal_whatever_the_sessions_zone() {
    for server_zone in ["UTC", "Asia/Tokyo"] {
        let place = with_cases().await;
        // The program's own sessions too.
        place.execute(&format!("ALTER DATABASE mirror SET timezone TO '{server_zone}'")).await;
        place.run(&["reconcile"]).await.success();
        assert_eq!(place.count("gazelle_appointments").await, CASES.len() as i64, "written in {server_zone}");
        for zone in ZONES {
            place.execute(&format!("SET timezone TO '{zone}'")).await;
            let stored = place.rows("SELECT * FROM gazelle_appointments").await;
            let read = place.rows("SELECT * FROM v_appointments_montreal").await;
            for case in CASES {
                let what = format!("{} written in {server_zone}, read in {zone}", case.id);
                let stored = row(&stored, case.id);
                assert_eq!(stored["appointment_date"], case.stored.0, "{what}");
                assert_eq!(stored["appointment_time"], case.stored.1, "{what}");
                let read = row(&read, case.id);
                assert_eq!(read["appointment_date"], case.stored.0, "{what}");
                assert_eq!(read["date_montreal"], case.read.0, "{what}");
                assert_eq!(read["time_montreal"], case.read.1, "{what}");
                assert_eq!(read["last_date_montreal"], case.last_day, "{what}");
                assert_eq!(read["end_time_montreal"].is_null(), case.all_day, "{what}");
            }
            let instants: i64 = place
                .one(
                    "SELECT count(*) FROM gazelle_appointments a JOIN staging_appointments s USING (external_id)
                      WHERE a.start_at = (s.raw_data ->> 'start')::timestamptz
                        AND a.end_at = a.start_at + a.duration_minutes * interval '1 minute'",
                    &[],
                )
                .await;
            assert_eq!(instants, CASES.len() as i64, "the instants, read in {zone}");
        }
    }
}

#[tokio::test]
async fn the_two_appointments_known_by_heart_come_through_a_sync() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for (title, stored, read) in [
        ("Tire le Coyote avant 8h", "12:00:00", "07:00:00"),
        ("Tire le Coyote à 18h", "23:00:00", "18:00:00"),
    ] {
        let rows = world
            .rows(&format!(
                "SELECT a.appointment_date, a.appointment_time, v.date_montreal, v.time_montreal
                   FROM gazelle_appointments a JOIN v_appointments_montreal v USING (external_id)
                  WHERE a.title = '{title}'"
            ))
            .await;
        assert_eq!(
            rows,
            [json!({
                "appointment_date": "2026-01-09", "appointment_time": stored,
                "date_montreal": "2026-01-09", "time_montreal": read,
            })]
        );
    }
}

#[tokio::test]
async fn a_day_list_by_the_local_date_holds_the_evening_and_not_the_evening_before() {
    let place = with_cases().await;
    place.run(&["reconcile"]).await.success();
    let titles = place
        .text(
            "SELECT string_agg(title, ', ' ORDER BY time_montreal, title) FROM v_appointments_montreal
              WHERE date_montreal = '2026-01-09'",
        )
        .await;
    assert_eq!(titles.as_deref(), Some("avant 8h, décalage, à 18h, soirée"));
}

#[tokio::test]
async fn the_view_leaves_out_what_is_deleted() {
    let place = with_cases().await;
    place.run(&["reconcile"]).await.success();
    place.execute("UPDATE gazelle_appointments SET deleted_at = now() WHERE external_id = 'été'").await;
    assert_eq!(place.count("v_appointments_montreal").await, CASES.len() as i64 - 1);
}

#[tokio::test]
async fn no_table_of_ours_has_a_trigger_or_a_column_of_local_time() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let ours = "c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace";
    let tables: i64 = place.one(&format!("SELECT count(*) FROM pg_class c WHERE {ours}"), &[]).await;
    assert!(tables >= 20, "{tables} tables were looked at");

    let triggers = place
        .text(&format!(
            "SELECT string_agg(c.relname || '.' || t.tgname, ', ') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
              WHERE {ours} AND NOT t.tgisinternal"
        ))
        .await;
    assert_eq!(triggers, None);
    let local = place
        .text(&format!(
            "SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              WHERE {ours} AND a.attnum > 0 AND NOT a.attisdropped
                AND (a.attname ~ '(local|montreal|toronto|eastern)' OR a.atttypid IN ('timestamp'::regtype, 'timetz'::regtype))
                AND a.attname <> 'locale'"
        ))
        .await;
    assert_eq!(local, None);
    let rules: i64 = place
        .one(
            &format!("SELECT count(*) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE {ours}"),
            &[],
        )
        .await;
    assert_eq!(rules, 0);
}

#[tokio::test]
async fn date_and_time_are_plain_types_and_the_instants_are_generated_from_them() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let rows = place
        .rows(
            "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attgenerated AS generated
               FROM pg_attribute a
              WHERE a.attrelid = 'gazelle_appointments'::regclass
                AND a.attname IN ('appointment_date', 'appointment_time', 'start_at', 'end_at')
              ORDER BY a.attnum",
        )
        .await;
    assert_eq!(
        rows,
        [
            json!({"name": "appointment_date", "type": "date", "generated": ""}),
            json!({"name": "appointment_time", "type": "time without time zone", "generated": ""}),
            json!({"name": "start_at", "type": "timestamp with time zone", "generated": "s"}),
            json!({"name": "end_at", "type": "timestamp with time zone", "generated": "s"}),
        ]
    );
    let view = place
        .rows(
            "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
              WHERE attrelid = 'v_appointments_montreal'::regclass AND attname IN ('date_montreal', 'time_montreal')
              ORDER BY attnum",
        )
        .await;
    assert_eq!(view[0]["type"], "date");
    assert_eq!(view[1]["type"], "time without time zone");
}

#[tokio::test]
async fn a_start_without_an_offset_is_not_guessed() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place.stage("staging_appointments", "x", &json!({"id": "x", "start": "2026-01-09T12:00:00"}), None).await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(place.count("gazelle_appointments").await, 0);
    let message = place.text("SELECT error_message FROM staging_appointments").await.unwrap();
    assert!(message.contains("start") && message.contains("offset"), "{message}");
}
