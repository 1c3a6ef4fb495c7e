//! What happens in a shop: edits, moves, deletions, merges, late rows, broken records.

use gazelle_sim::{BadRecord, Change, RecordKind, SimControl};
use serde_json::{Map, Value, json};

use super::random::Random;

/// Texts as people and machines type them.
const TEXTS: [&str; 8] = [
    "Accord annuel",
    "",
    "L'Érable d'été",
    "a\u{0}b",
    "Robert'); DROP TABLE gazelle_clients; --",
    "🎹 \u{202e}droite à gauche",
    "{schema} $1 \\ \"quoted\"",
    "  espaces  ",
];

/// The next change, made from what the shop holds now; it may turn out not to be possible.
pub fn next(random: &mut Random, control: &SimControl) -> Change {
    let now = control.now();
    loop {
        if let Some(change) = attempt(random, control, now) {
            return change;
        }
    }
}

fn attempt(random: &mut Random, control: &SimControl, now: i64) -> Option<Change> {
    Some(match random.below(100) {
        0..10 => edit(random, control, RecordKind::Client, client_field)?,
        10..16 => edit(random, control, RecordKind::Contact, contact_field)?,
        16..22 => edit(random, control, RecordKind::Piano, piano_field)?,
        22..30 => edit(random, control, RecordKind::Event, event_field)?,
        30..44 => Change::Move {
            id: any(random, control, RecordKind::Event)?,
            start: (!random.percent(8)).then(|| start(random, now)),
            duration: random.percent(30).then(|| random.between(0, 600)),
        },
        44..48 => Change::Reassign {
            id: any(random, control, RecordKind::Event)?,
            user: any(random, control, RecordKind::User)?,
        },
        48..52 => Change::Cancel { id: any(random, control, RecordKind::Event)? },
        52..60 => delete(random, control, RecordKind::Event, 4)?,
        60..63 => delete(random, control, RecordKind::Piano, 4)?,
        63..65 => delete(random, control, RecordKind::Client, 5)?,
        65..67 => delete(random, control, RecordKind::Contact, 4)?,
        67..71 => {
            let (from, into) =
                (any(random, control, RecordKind::Client)?, any(random, control, RecordKind::Client)?);
            (from != into && control.ids(RecordKind::Client).len() > 4)
                .then_some(Change::MergeClients { from, into })?
        }
        71..75 => Change::Edit {
            // A contact goes over to another client.
            kind: RecordKind::Contact,
            id: any(random, control, RecordKind::Contact)?,
            fields: object(json!({ "client": { "id": any(random, control, RecordKind::Client)? } })),
            bump: true,
        },
        75..78 => Change::Add { kind: RecordKind::Client, record: client_field(random) },
        78..81 => {
            let client = any(random, control, RecordKind::Client)?;
            let record = json!({ "client": { "id": client }, "firstName": random.pick(&TEXTS) });
            Change::Add { kind: RecordKind::Contact, record: object(record) }
        }
        81..84 => {
            let client = any(random, control, RecordKind::Client)?;
            Change::Add { kind: RecordKind::Piano, record: object(json!({ "client": { "id": client } })) }
        }
        84..92 => Change::Add { kind: RecordKind::Event, record: event(random, control, now) },
        92..96 => Change::AddBadRecord {
            bad_record: *random.pick(&[
                BadRecord::UnreadableStart,
                BadRecord::UnlistedClient,
                BadRecord::UnlistedPiano,
                BadRecord::UnlistedUser,
                BadRecord::GhostClient,
                BadRecord::GhostPiano,
                BadRecord::UnknownEnum,
                BadRecord::DuplicateId,
            ]),
        },
        96..98 => Change::SetListed {
            kind: RecordKind::Event,
            id: any(random, control, RecordKind::Event)?,
            times: random.below(3) as u8,
        },
        _ => {
            // What refers to it leads nowhere from now on.
            let kind = *random.pick(&[RecordKind::Client, RecordKind::Piano]);
            let id = any(random, control, kind)?;
            (control.ids(kind).len() > 5).then_some(Change::Delete { kind, id, keep_references: true })?
        }
    })
}

fn any(random: &mut Random, control: &SimControl, kind: RecordKind) -> Option<String> {
    let ids = control.ids(kind);
    (!ids.is_empty()).then(|| random.pick(&ids).clone())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn edit(
    random: &mut Random,
    control: &SimControl,
    kind: RecordKind,
    fields: fn(&mut Random) -> Map<String, Value>,
) -> Option<Change> {
    let fields = fields(random);
    // Not every edit moves `updatedAt`.
    Some(Change::Edit { kind, id: any(random, control, kind)?, fields, bump: random.percent(70) })
}

fn delete(random: &mut Random, control: &SimControl, kind: RecordKind, keep: usize) -> Option<Change> {
    let id = any(random, control, kind)?;
    (control.ids(kind).len() > keep).then_some(Change::Delete { kind, id, keep_references: false })
}

fn client_field(random: &mut Random) -> Map<String, Value> {
    let text = *random.pick(&TEXTS);
    object(match random.below(7) {
        0 => json!({ "companyName": text }),
        1 => json!({ "companyName": null }),
        2 => json!({ "status": random.pick(&["ACTIVE", "INACTIVE", "PROSPECT", "NEW", "HOLOGRAM"]) }),
        3 => json!({ "tags": [text, "école"] }),
        4 => json!({ "tags": [] }),
        5 => {
            json!({ "noContactUntil": random.pick(&["0000-00-00", "2027-01-09", "2027-01-09T00:00:00Z", "demain"]) })
        }
        _ => json!({ "personalNotes": text, "custom3": text }),
    })
}

fn contact_field(random: &mut Random) -> Map<String, Value> {
    let text = *random.pick(&TEXTS);
    object(match random.below(4) {
        0 => json!({ "firstName": text }),
        1 => json!({ "lastName": null }),
        2 => json!({ "archived": random.percent(50) }),
        _ => json!({ "isDefault": random.percent(50) }),
    })
}

fn piano_field(random: &mut Random) -> Map<String, Value> {
    let text = *random.pick(&TEXTS);
    object(match random.below(6) {
        0 => json!({ "serialNumber": text }),
        1 => json!({ "make": text, "model": null }),
        2 => json!({ "year": random.between(1850, 2026) }),
        3 => json!({ "year": random.pick(&["1923", "ancien", "2147483648"]) }),
        4 => {
            json!({ "calculatedLastService": random.pick(&["2026-05-11T00:00:00Z", "9999-99-99", "+99999-01-01"]) })
        }
        _ => json!({ "notes": text }),
    })
}

fn event_field(random: &mut Random) -> Map<String, Value> {
    let text = *random.pick(&TEXTS);
    object(match random.below(5) {
        0 => json!({ "title": text }),
        1 => json!({ "notes": null }),
        2 => json!({ "client": null }),
        3 => json!({ "isAllDay": random.percent(50) }),
        _ => json!({ "allEventPianos": [] }),
    })
}

/// A time near now, or long ago, or far ahead.
fn start(random: &mut Random, now: i64) -> String {
    let days = match random.below(4) {
        0 => random.between(-900, -40),
        1 => random.between(-40, 0),
        2 => random.between(0, 40),
        _ => random.between(40, 400),
    };
    let at = now + days * 86_400 + random.between(0, 95) * 900;
    jiff::Timestamp::from_second(at).expect("a time").to_string()
}

fn event(random: &mut Random, control: &SimControl, now: i64) -> Map<String, Value> {
    let mut record = json!({ "title": random.pick(&TEXTS), "start": start(random, now) });
    if let Some(client) = any(random, control, RecordKind::Client).filter(|_| random.percent(80)) {
        record["client"] = json!({ "id": client });
    }
    if let Some(user) = any(random, control, RecordKind::User).filter(|_| random.percent(80)) {
        record["user"] = json!({ "id": user });
    }
    if let Some(piano) = any(random, control, RecordKind::Piano).filter(|_| random.percent(60)) {
        record["allEventPianos"] = json!([{ "isTuning": true, "piano": { "id": piano } }]);
    }
    object(record)
}
