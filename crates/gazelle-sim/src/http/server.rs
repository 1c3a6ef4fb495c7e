//! Accepts connections and routes each request to its endpoint.

use std::io;
use std::sync::atomic::Ordering;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::DATE;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::{Answer, NoAnswer, json_answer, with_header};
use super::request::FullRequest;
use super::stream::{ResetSwitch, ResettableStream};
use super::{control_routes, graphql_route, oauth_routes};
use crate::control::SimControl;

/// Serves until the simulator is told to stop; then every connection is closed.
pub(crate) async fn serve(listener: TcpListener, control: SimControl) {
    let mut stop = control.state.stop.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Returns at once if the stop came before this task began to wait.
            _ = stop.wait_for(|stopped| *stopped) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A connection that could not be accepted affects no other.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, control.clone()));
                }
            }
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, control: SimControl) {
    // Answers are written whole, so Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    let (stream, reset) = ResettableStream::new(stream);
    let service = service_fn(move |request| route(request, control.clone(), reset.clone()));
    // A client that leaves, or a fault that closes the connection, is not an error here.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn route(
    request: Request<Incoming>,
    control: SimControl,
    reset: ResetSwitch,
) -> Result<Answer, NoAnswer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
    let whole = FullRequest { parts, body };
    let state = &control.state;
    let is_post = whole.parts.method == Method::POST;
    let answer = match whole.path() {
        "/graphql/private" if is_post => graphql_route::graphql(&whole, &control).await,
        "/developer/oauth/token" if is_post => oauth_routes::token(&whole, &control).await,
        "/developer/oauth/authorize" => Ok(oauth_routes::authorize(&whole, state)),
        "/graphql/private" | "/developer/oauth/token" => {
            Ok(json_answer(405, &json!({ "error": "POST only" })))
        }
        path if path.starts_with("/_sim") => Ok(control_routes::control(&whole, &control)),
        _ => Ok(json_answer(404, &json!({ "error": "Not found" }))),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(NoAnswer) => {
            reset.store(true, Ordering::SeqCst);
            return Err(NoAnswer);
        }
    };
    if !state.clock_is_moved() {
        // The connection writes the header itself.
        return Ok(answer);
    }
    Ok(match http_date(state.now()) {
        Ok(date) => with_header(answer, DATE, &date),
        Err(_) => answer,
    })
}

/// `Fri, 09 Jan 2026 12:00:00 GMT`
fn http_date(seconds: i64) -> io::Result<String> {
    let time = jiff::Timestamp::from_second(seconds).map_err(io::Error::other)?;
    Ok(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}
