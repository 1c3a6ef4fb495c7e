//! Tests against a scripted server on loopback. Waits use tokio's paused clock, so that 15 s of retries take no
//! time.

mod logouts;
mod outcomes;
mod places;
mod provider;
mod reading;
mod retries;
mod room;
mod scripted_server;
mod secrets;
mod token_files;
mod token_races;
mod tokens;

use std::sync::{Arc, Mutex};

use serde_json::json;

use self::scripted_server::{Reply, ScriptedServer};
use super::{Credential, GazelleClient, GraphqlRequest, RequestRecord, SourceSettings};

const API_KEY: &str = "key-7f3a9c-secret";
/// Represents personal data: it is in every body the server sends and must not be in any message.
const PERSON: &str = "Tremblay";

/// The default settings (3 attempts, 5 s x attempt, 10 s each) for the scripted server.
fn settings(server: &ScriptedServer) -> SourceSettings {
    SourceSettings { graphql_url: server.url("/graphql/private"), ..SourceSettings::default() }
}

fn client(server: &ScriptedServer) -> GazelleClient {
    client_with(settings(server))
}

fn client_with(settings: SourceSettings) -> GazelleClient {
    GazelleClient::new(settings, Credential::ApiKey(API_KEY.into())).expect("the settings are good")
}

fn request() -> GraphqlRequest {
    GraphqlRequest::new(
        "AllEvents",
        "query AllEvents { allEvents { nodes { id } } }",
        json!({ "first": 100 }),
    )
}

/// One valid page with one record.
fn good_page() -> Reply {
    Reply::json(
        200,
        json!({ "data": { "allEvents": {
            "nodes": [{ "id": "evt_1", "title": PERSON }],
            "pageInfo": { "hasNextPage": false, "endCursor": null },
            "totalCount": 1,
        } } }),
    )
}

/// The client with an observer that keeps the records.
fn observed(client: &GazelleClient) -> (GazelleClient, Arc<Mutex<Vec<RequestRecord>>>) {
    let records = Arc::new(Mutex::new(Vec::new()));
    let kept = records.clone();
    (client.observed_by(move |record| kept.lock().unwrap().push(record)), records)
}
