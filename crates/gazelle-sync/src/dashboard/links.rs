//! Addresses of records, cases and runs. An id may hold any character.

/// Percent-encoded, for any part of an address.
pub(super) fn encoded(text: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let letter = |byte: u8| if keep(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}

/// The page of a record.
pub(super) fn record(entity: &str, external_id: &str) -> String {
    format!("/app/records/{}/{}", encoded(entity), encoded(external_id))
}

/// The page of a record, with one of its versions.
pub(super) fn version(entity: &str, external_id: &str, version: uuid::Uuid) -> String {
    format!("{}?version={version}", record(entity, external_id))
}

/// The page of a case in quarantine.
pub(super) fn case(staging_id: &str) -> String {
    format!("/app/quarantine/{}", encoded(staging_id))
}

/// The page of a run.
pub(super) fn run(run_id: impl std::fmt::Display) -> String {
    format!("/app/runs/{run_id}")
}

/// The list of runs from the last one that started before an instant.
pub(super) fn runs_before(at: jiff::Timestamp) -> String {
    // No run has an id before this one.
    format!("/app/runs?before={at},{}", uuid::Uuid::nil())
}

/// The page of the deletions that a run withheld.
pub(super) fn deletions(run_id: impl std::fmt::Display) -> String {
    format!("/app/deletions/{run_id}")
}

/// The page of an action.
pub(super) fn action(id: impl std::fmt::Display) -> String {
    format!("/app/actions/{id}")
}

/// An address with these parameters; those that are none are left out.
pub(super) fn with(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_holds_it_stays_one_part_of_the_address() {
        for (id, address) in [
            ("evt_1", "/app/records/appointments/evt_1"),
            ("a/b?c#d", "/app/records/appointments/a%2Fb%3Fc%23d"),
            ("\"><é", "/app/records/appointments/%22%3E%3C%C3%A9"),
        ] {
            assert_eq!(record("appointments", id), address);
        }
        let parameters = [("a", Some("x y&z")), ("b", None), ("c", Some(""))];
        assert_eq!(with("/app/search", &parameters), "/app/search?a=x+y%26z&c=");
        assert_eq!(with("/app/search", &[("b", None)]), "/app/search");
    }
}
