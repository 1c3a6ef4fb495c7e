//! What each role may see and change through the pages, said here once more from `docs/security.md`, and not read from the
//! program.

use std::collections::{BTreeMap, HashMap};

use super::super::support::World;

/// Shorter texts would be found by chance.
const SHORTEST: usize = 8;

/// What the service writes by itself, whoever asks for pages.
const OF_THE_SERVICE: [&str; 5] =
    ["sync_alert_messages", "sync_alert_watch", "sync_alerts", "sync_lease", "sync_notes"];
/// What not even the work that the office may ask for touches.
const OF_PEOPLE: [&str; 5] = ["sync_people", "sync_sessions", "sync_feeds", "sync_migrations", "sync_tokens"];

/// Texts of the installation that not everybody may read.
#[derive(Debug, Default)]
pub struct Watched {
    /// By the first bytes of each; with the least rank that may read it.
    texts: HashMap<[u8; SHORTEST], Vec<(String, usize)>>,
}

/// The rank that nobody has: secrets are in no answer.
pub const NOBODY: usize = 9;

impl Watched {
    /// Watches a text, if it is long enough to be told from others and stands in a page as it is.
    pub fn add(&mut self, text: &str, least: usize) {
        let stands_as_it_is = text.chars().all(|c| c.is_alphanumeric() || " @._+-$/:".contains(c));
        if let Some(first) = text.as_bytes().first_chunk().filter(|_| stands_as_it_is) {
            self.texts.entry(*first).or_default().push((text.to_owned(), least));
        }
    }

    /// A text in `body` that this rank may not read, and that is not what was `said` by the reader.
    pub fn found(&self, body: &[u8], rank: usize, said: &str) -> Option<&str> {
        let is_word = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let begins = body.windows(SHORTEST).enumerate();
        let mut candidates = begins
            .filter_map(|(at, window)| Some((at, self.texts.get(window)?)))
            .flat_map(|(at, texts)| texts.iter().map(move |(text, least)| (at, text.as_str(), *least)));
        let found = candidates.find(|(at, text, least)| {
            let ends = at + text.len();
            *least > rank
                && body[*at..].starts_with(text.as_bytes())
                && !is_word(at.checked_sub(1).and_then(|before| body.get(before)))
                && !is_word(body.get(ends))
                && (*least == NOBODY || !said.contains(*text))
        });
        found.map(|(_, text, _)| text)
    }

    pub fn len(&self) -> usize {
        self.texts.values().map(Vec::len).sum()
    }
}

/// What is personal, with the least rank that may read it: what concerns the visits of this technician, a technician; the rest,
/// the office.
pub async fn watch(world: &World, technician: &str, watched: &mut Watched) {
    let rows = world
        .rows(&format!(
            "WITH visits AS (SELECT external_id, client_external_id, technician_external_id IS NOT DISTINCT FROM '{technician}' AS own,
                                    title, notes
                               FROM gazelle_appointments),
                  texts AS (
                    SELECT external_id AS client, unnest(ARRAY[external_id, company_name, personal_notes, preference_notes]) AS text
                      FROM gazelle_clients
                    UNION ALL
                    SELECT client_external_id, unnest(ARRAY[external_id, first_name || ' ' || last_name, email, phone])
                      FROM gazelle_contacts
                    UNION ALL
                    SELECT client_external_id, unnest(ARRAY[external_id, address_line1]) FROM gazelle_locations
                    UNION ALL
                    SELECT client_external_id, unnest(ARRAY[external_id, serial_number]) FROM gazelle_pianos
                    UNION ALL
                    SELECT NULL, email FROM gazelle_users),
                  all_texts AS (
                    SELECT text, client IN (SELECT client_external_id FROM visits WHERE own) AS own FROM texts
                    UNION ALL
                    SELECT unnest(ARRAY[external_id, title, notes]), own FROM visits)
             SELECT text, bool_or(coalesce(own, false)) AS own FROM all_texts WHERE length(text) >= {SHORTEST} GROUP BY text"
        ))
        .await;
    let text = |row: &serde_json::Value| row["text"].as_str().expect("text").to_owned();
    let own: Vec<String> = rows.iter().filter(|row| row["own"] == true).map(text).collect();
    for row in &rows {
        let text = text(row);
        // What is a part of an own one is the technician's too.
        let is_own = own.iter().any(|own| own.contains(&text));
        watched.add(&text, if is_own { 1 } else { 2 });
    }
    let of_others = rows.iter().filter(|row| row["own"] == false).count();
    assert!(!own.is_empty() && of_others > 0, "both are needed: {} and {of_others}", own.len());
}

/// The state of every table, as far as somebody of this rank may not change it.
#[derive(Debug, PartialEq)]
pub struct State(BTreeMap<String, String>);

impl State {
    /// Reads it. `own` is the person who asks, and `technician` whose visits are that person's.
    pub async fn read(world: &World, rank: usize, own: &str, technician: &str) -> State {
        let tables = world
            .rows(
                "SELECT relname::text AS name FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
            )
            .await;
        let states = tables
            .iter()
            .filter_map(|row| row["name"].as_str())
            .filter(|name| !OF_THE_SERVICE.contains(name));
        let states: Vec<String> = states
            .map(|name| {
                let condition = match (name, rank) {
                    // Whoever is signed in ends own sessions, and makes and revokes links to own visits; the office to all.
                    ("sync_sessions", 1..) => format!("person_id <> '{own}'"),
                    ("sync_feeds", 1) => format!("technician_external_id <> '{technician}'"),
                    ("sync_feeds", 2) => "false".to_owned(),
                    _ => "true".to_owned(),
                };
                format!(
                    "SELECT '{name}' AS name, (SELECT coalesce(md5(string_agg(t.xmin::text || t.ctid::text, ',' ORDER BY t.ctid)), '')
                                                 FROM {name} t WHERE {condition}) AS state"
                )
            })
            .collect();
        let rows = world.rows(&states.join(" UNION ALL ")).await;
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        State(rows.iter().map(|row| (text(&row["name"]), text(&row["state"]))).collect())
    }

    /// The tables that differ; where work was asked for that the office may ask for, only those that no work touches.
    pub fn changed(&self, after: &State, has_asked: bool) -> Vec<&str> {
        let names = self
            .0
            .iter()
            .filter(|(name, state)| after.0.get(*name) != Some(state))
            .map(|(name, _)| name.as_str());
        names.filter(|name| !has_asked || OF_PEOPLE.contains(name)).collect()
    }
}
