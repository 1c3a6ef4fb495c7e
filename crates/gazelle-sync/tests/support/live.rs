//! An open stream of the dashboard, which tells a page what has become old.

use std::time::Duration;

use super::people::Caller;

/// An open stream, and what came of it.
pub struct Stream {
    answer: reqwest::Response,
    pub text: String,
}

impl Stream {
    pub async fn open(caller: &Caller) -> Stream {
        let at = caller.get("/app/live").await.header("etag").trim_matches('"').to_owned();
        let request = caller.http.get(format!("{}/app/live?at={at}", caller.base));
        let request = request.header("cookie", caller.cookie.as_deref().unwrap_or_default());
        let answer = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Stream { answer, text: String::new() }
    }

    /// Reads until this came. False if the stream ended before.
    pub async fn wait_for_region(&mut self, what: &str) -> bool {
        let read = async {
            while !self.text.contains(what) {
                match self.answer.chunk().await {
                    Ok(Some(bytes)) => self.text.push_str(std::str::from_utf8(&bytes).unwrap()),
                    _ => return false,
                }
            }
            true
        };
        tokio::time::timeout(Duration::from_secs(45), read).await.expect(what)
    }
}
