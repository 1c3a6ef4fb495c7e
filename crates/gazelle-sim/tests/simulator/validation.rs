//! What the schema allows, and what it does not.

use crate::support::{small, start, start_with};
use gazelle_sim::{Fault, FaultKind, RecordKind, SimOptions};
use serde_json::{Value, json};

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn an_unknown_field_is_undefined_and_nothing_is_executed() {
    let shop = start().await;
    let answer = shop.ask("{ allUsers { id hairColour } }", json!({})).await;
    assert_eq!(code(&answer), "undefinedField");
    assert_eq!(answer["errors"][0]["message"], "Field 'hairColour' doesn't exist on type 'PrivateUser'");
    assert_eq!(answer["errors"][0]["extensions"]["fieldName"], "hairColour");
    assert_eq!(answer.get("data"), None);
}

#[tokio::test]
async fn other_invalid_queries_are_refused_too() {
    let shop = start().await;
    for (query, variables, expected) in [
        ("{ allUsers(first: 3) { id } }", json!({}), "argumentNotAccepted"),
        ("{ allClients(first: \"many\") { totalCount } }", json!({}), "argumentLiteralsIncompatible"),
        ("{ allClients(sortBy: [HEIGHT_ASC]) { totalCount } }", json!({}), "argumentLiteralsIncompatible"),
        (
            "{ allClients(filters: { shoeSize: 3 }) { totalCount } }",
            json!({}),
            "argumentLiteralsIncompatible",
        ),
        (
            "{ allEventsBatched(filters: { dateGet: \"soon\" }) { totalCount } }",
            json!({}),
            "argumentLiteralsIncompatible",
        ),
        ("{ allClients }", json!({}), "selectionMismatch"),
        ("{ event { id } }", json!({}), "missingRequiredArguments"),
        ("{ allClients(first: $m) { totalCount } }", json!({}), "variableNotDefined"),
        (
            "query($n: Int) { allClients(first: $n) { totalCount } }",
            json!({ "n": "x" }),
            "argumentLiteralsIncompatible",
        ),
        ("{ allClients { ", json!({}), "parseError"),
    ] {
        let answer = shop.ask(query, variables).await;
        assert_eq!(code(&answer), expected, "{query}: {answer}");
        assert_eq!(answer.get("data"), None, "{query}");
    }
    let missing = shop.ask("query($id: String!) { event(eventId: $id) { id } }", json!({})).await;
    assert!(missing["errors"][0]["message"].as_str().unwrap().contains("$id"), "{missing}");
}

#[tokio::test]
async fn what_is_not_simulated_is_an_error_that_names_it() {
    let shop = start().await;
    for (query, name) in [
        ("{ allEventsBatched(filters: { search: \"Steinway\" }) { totalCount } }", "search"),
        ("{ allClients(sortBy: [CITY_ASC]) { totalCount } }", "CITY_ASC"),
        ("{ allPianos(filters: { make: [\"Yamaha\"] }) { totalCount } }", "make"),
    ] {
        let answer = shop.ask(query, json!({})).await;
        assert_eq!(code(&answer), "notSimulated", "{query}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains(name), "{answer}");
        assert_eq!(answer["data"], Value::Null);
    }
}

#[tokio::test]
async fn aliases_fragments_variables_and_directives_work_together() {
    let shop = start().await;
    let query = "query Probe($from: CoreDate, $with: Boolean!) { \
        clients: allClients(first: 1) { ...Count } \
        late: allEventsBatched(first: 1, filters: { dateGet: $from }) { totalCount __typename } \
        all: allEventsBatched(first: 1) { totalCount nodes { id @include(if: $with) ... on PrivateEvent { kind: type } } } } \
        fragment Count on PrivateClientConnection { totalCount }";
    let data = shop.data(query, json!({ "from": "2026-01-15", "with": false })).await;
    assert_eq!(data["clients"], json!({ "totalCount": 40 }));
    assert_eq!(data["late"]["__typename"], "PrivateEventConnection");
    assert!(data["late"]["totalCount"].as_u64() < data["all"]["totalCount"].as_u64());
    let node = data["all"]["nodes"][0].as_object().unwrap();
    assert_eq!(node.keys().collect::<Vec<_>>(), ["kind"]);
}

#[tokio::test]
async fn introspection_shows_the_real_schema_or_is_off() {
    let shop = start().await;
    let query = "{ __type(name: \"PrivateEvent\") { fields { name type { name kind ofType { name } } } } }";
    let data = shop.data(query, json!({})).await;
    let fields = data["__type"]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 46);
    assert!(fields.iter().any(|field| field["name"] == "start" && field["type"]["name"] == "CoreDateTime"));
    let roots = shop.data("{ __schema { queryType { name fields { name } } } }", json!({})).await;
    assert_eq!(roots["__schema"]["queryType"]["name"], "PrivateQuery");

    let closed = start_with(small(), SimOptions { introspection: false, ..SimOptions::default() }).await;
    let answer = closed.ask(query, json!({})).await;
    assert!(answer["data"]["__type"].is_null(), "{answer}");
}

#[tokio::test]
async fn a_field_that_is_gone_is_gone_from_queries_and_introspection() {
    let shop = start().await;
    let gone = FaultKind::FieldGone { type_name: "PrivateEvent".to_owned(), field: "buffer".to_owned() };
    let fault = shop.control.add_fault(Fault::new(gone).on_field("allEventsBatched").forever());
    let query = "{ allEventsBatched(first: 1) { nodes { buffer } } }";
    let answer = shop.ask(query, json!({})).await;
    assert_eq!(code(&answer), "undefinedField");
    assert_eq!(answer.get("data"), None);
    let fields = "{ __type(name: \"PrivateEvent\") { fields { name } } }";
    let data = shop.data(fields, json!({})).await;
    assert_eq!(data["__type"]["fields"].as_array().unwrap().len(), 45);
    shop.control.remove_fault(fault);
    shop.data(query, json!({})).await;
    let data = shop.data(fields, json!({})).await;
    assert_eq!(data["__type"]["fields"].as_array().unwrap().len(), 46);
}

#[tokio::test]
async fn references_and_defaults_agree_with_the_shop() {
    let shop = start().await;
    let selection = "id companyName tags preferredTechnicianId preferredTechnician { id firstName } localization { locale } \
        defaultContact { id isDefault client { id } defaultEmail { email isDefault } defaultPhone { phoneNumber(format: E164) } \
        defaultLocation { id usageType latitude } allLocations { totalCount } } allPianos { totalCount nodes { client { id } } }";
    let (clients, _) = shop.walk("allClients", "", selection, 40).await;
    let mut with_location = 0;
    for client in &clients {
        assert_eq!(client["preferredTechnician"]["id"], client["preferredTechnicianId"]);
        for piano in client["allPianos"]["nodes"].as_array().unwrap() {
            assert_eq!(piano["client"]["id"], client["id"]);
        }
        let contact = &client["defaultContact"];
        if contact.is_null() {
            continue;
        }
        assert_eq!(contact["client"]["id"], client["id"]);
        assert_eq!(contact["isDefault"], true);
        let stored = shop.control.record(RecordKind::Contact, contact["id"].as_str().unwrap()).unwrap();
        let first_street =
            stored["allLocations"].as_array().unwrap().iter().find(|place| place["usageType"] == "STREET");
        assert_eq!(
            contact["defaultLocation"]["id"],
            first_street.map_or(Value::Null, |place| place["id"].clone())
        );
        with_location += usize::from(first_street.is_some());
        if let Some(phone) = contact["defaultPhone"]["phoneNumber"].as_str() {
            assert!(phone.starts_with("+1") && phone.contains("55501") && phone.len() == 12, "{phone}");
        }
    }
    assert!(with_location > 10);
    assert!(clients[2]["defaultContact"].is_null(), "client 2 has no contact");
    assert_eq!(clients[0]["defaultContact"]["allLocations"]["totalCount"], 23);
    let zone = shop.data("{ company { settings { general { timezone } } } user { id } }", json!({})).await;
    assert_eq!(zone["company"]["settings"]["general"]["timezone"], "America/Toronto");
    assert_eq!(zone["user"]["id"], shop.control.ids(RecordKind::User)[0]);
}

#[tokio::test]
async fn a_missing_value_where_none_may_miss_empties_the_place_around_it() {
    let shop = start().await;
    let answer = shop.ask("{ user { id } company { id billing { pricingModel } } }", json!({})).await;
    assert_eq!(answer["data"]["company"], Value::Null);
    assert!(answer["data"]["user"]["id"].is_string());
    assert_eq!(answer["errors"][0]["path"], json!(["company", "billing"]));
}
