//! The simulated API with some of its answers written otherwise, byte by byte, before they arrive.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;

use serde_json::value::RawValue;

use super::hostile_api::{self, HostileApi, ReceivedRequest, complete_response};

/// Stands before the API at this address, and changes the answer to each request.
pub fn rewriting_proxy(
    api: &str,
    change: impl Fn(&ReceivedRequest, String) -> String + Send + Sync + 'static,
) -> HostileApi {
    forward_and_rewrite(
        api,
        |asked| asked.body.clone(),
        move |asked, answer| ("200 OK".to_owned(), change(asked, answer)),
    )
}

/// Stands before the API and gives a record this number in the place of its id.
pub fn numbered(api: &str, id: &str, number: &str) -> HostileApi {
    let (in_text, in_request) = (format!("\"{id}\""), format!("\"{number}\""));
    let (text, digits) = (in_text.clone(), number.to_owned());
    let ask = move |asked: &ReceivedRequest| {
        String::from_utf8_lossy(&asked.body).replace(&in_request, &in_text).into_bytes()
    };
    let answer =
        move |_: &ReceivedRequest, answer: String| ("200 OK".to_owned(), answer.replace(&text, &digits));
    forward_and_rewrite(api, ask, answer)
}

/// Stands before the API like a gateway that gives up on some requests, with this HTTP status; none: it hangs up.
pub fn gateway(
    api: &str,
    status: Option<u16>,
    gives_up: impl Fn(&ReceivedRequest, &str) -> bool + Send + Sync + 'static,
) -> HostileApi {
    forward_and_rewrite(
        api,
        |asked| asked.body.clone(),
        move |asked, answer| match gives_up(asked, &answer) {
            true => {
                let status = status.map(|status| format!("{status} Gateway")).unwrap_or_default();
                (status, "<html>It took too long.</html>".to_owned())
            }
            false => ("200 OK".to_owned(), answer),
        },
    )
}

fn forward_and_rewrite(
    api: &str,
    ask: impl Fn(&ReceivedRequest) -> Vec<u8> + Send + Sync + 'static,
    change: impl Fn(&ReceivedRequest, String) -> (String, String) + Send + Sync + 'static,
) -> HostileApi {
    let address = api.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    HostileApi::start(move |asked, stream| {
        let mut api = TcpStream::connect(&address).unwrap();
        let body = ask(asked);
        let of_old = |line: &&str| {
            let line = line.to_ascii_lowercase();
            line.starts_with("accept-encoding") || line.starts_with("content-length")
        };
        let head: Vec<&str> = asked.head.lines().filter(|line| !of_old(line) && !line.is_empty()).collect();
        let head = format!("{}\r\nContent-Length: {}\r\n\r\n", head.join("\r\n"), body.len());
        api.write_all(head.as_bytes()).unwrap();
        api.write_all(&body).unwrap();
        let Some(answer) = hostile_api::read(&mut api) else { return };
        let (status, body) = change(asked, String::from_utf8(answer.body).unwrap());
        let body = body.into_bytes();
        if status.is_empty() {
            return;
        }
        let _ = stream.write_all(&complete_response(&status, &body)).and_then(|()| stream.write_all(&body));
    })
}

/// The answer with this in place of the contacts of a client; none: their key is missing too.
pub fn with_contacts(answer: String, client: &str, contacts: Option<&dyn Fn(&str) -> String>) -> String {
    let mut changed = answer;
    let begin = format!("{{\"id\":\"{client}\"");
    let places: Vec<usize> = changed.match_indices(&begin).map(|(at, _)| at).collect();
    for at in places.into_iter().rev() {
        let Some(object) = members(&changed[at..]) else { continue };
        let Some(list) = object.get("allContacts").and_then(|list| members(list.get())) else { continue };
        let Some(nodes) = list.get("nodes") else { continue };
        let start = nodes.get().as_ptr() as usize - changed.as_ptr() as usize;
        let end = start + nodes.get().len();
        match contacts {
            Some(contacts) => {
                let with = contacts(nodes.get());
                changed.replace_range(start..end, &with);
            }
            None => {
                let key = start - "\"nodes\":".len();
                match changed[..key].ends_with(',') {
                    true => changed.replace_range(key - 1..end, ""),
                    false => {
                        changed.replace_range(key..end + usize::from(changed[end..].starts_with(',')), "")
                    }
                }
            }
        }
    }
    changed
}

fn members(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// The answer with null in place of the record with this id in a list, wherever more than its id is given.
pub fn null_in_place(answer: String, id: &str) -> String {
    let mut changed = answer;
    let begin = format!("{{\"id\":\"{id}\"");
    let places: Vec<usize> = changed.match_indices(&begin).map(|(at, _)| at).collect();
    for at in places.into_iter().rev() {
        let object: Option<Box<RawValue>> =
            serde_json::Deserializer::from_str(&changed[at..]).into_iter().next().and_then(Result::ok);
        let Some(object) = object.filter(|object| object.get().len() > begin.len() + 1) else { continue };
        if changed[..at].ends_with(['[', ',']) {
            changed.replace_range(at..at + object.get().len(), "null");
        }
    }
    changed
}
