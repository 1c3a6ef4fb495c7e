//! Makes the operating system notice a peer that is gone, unless the address says otherwise.

use std::time::Duration;

use tokio_postgres::Config;

use super::dial::CONNECT_TIMEOUT;

/// Whether a connection string (a URL or words) sets a parameter.
pub(super) fn has_parameter(url: &str, name: &str) -> bool {
    let words = url.split_once('?').map_or(url, |(_, query)| query);
    let mut words = words.split(|c: char| c == '&' || c.is_ascii_whitespace()).peekable();
    while let Some(word) = words.next() {
        // Words may have spaces around their `=`.
        let value = word
            .strip_prefix(name)
            .map(|rest| if rest.is_empty() { words.peek().copied() } else { Some(rest) });
        if value.flatten().is_some_and(|value| value.starts_with('=')) {
            return true;
        }
    }
    false
}

/// Enables TCP keepalives and timeouts, so that the operating system detects a dead peer, unless the URL sets them.
/// `keepalives_count` is libpq's name for the number of probes, which the driver does not know.
pub(super) fn notice_silence(config: &mut Config, url: &str, keepalives_count: Option<u32>) {
    let given = |name: &str| has_parameter(url, name);
    if !given("connect_timeout") {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if !given("keepalives_idle") {
        config.keepalives_idle(Duration::from_secs(30));
    }
    if !given("keepalives_interval") {
        config.keepalives_interval(Duration::from_secs(10));
    }
    if let Some(count) = keepalives_count {
        config.keepalives_retries(count);
    } else if !given("keepalives_retries") {
        config.keepalives_retries(3);
    }
    if !given("tcp_user_timeout") {
        config.tcp_user_timeout(Duration::from_secs(30));
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn a_dead_peer_is_noticed_unless_the_address_says_otherwise() {
        let noticed = |url: &str, count: Option<u32>| {
            let mut config = Config::from_str(url).unwrap();
            notice_silence(&mut config, url, count);
            let seconds = |time: Option<&Duration>| time.map_or(0, Duration::as_secs);
            (
                seconds(config.get_connect_timeout()),
                config.get_keepalives_idle().as_secs(),
                seconds(config.get_keepalives_interval().as_ref()),
                config.get_keepalives_retries().unwrap_or_default(),
                seconds(config.get_tcp_user_timeout()),
            )
        };
        let ours = (CONNECT_TIMEOUT.as_secs(), 30, 10, 3, 30);
        for (url, expected) in [
            ("postgres://sync@db/shop", ours),
            ("host=db user=sync", ours),
            ("postgres://sync@db/shop?connect_timeout=7", (7, ours.1, ours.2, ours.3, ours.4)),
            ("postgres://sync@db/shop?keepalives_idle=7", (ours.0, 7, ours.2, ours.3, ours.4)),
            ("host=db keepalives_interval = 7", (ours.0, ours.1, 7, ours.3, ours.4)),
            ("postgres://sync@db/shop?keepalives_retries=7", (ours.0, ours.1, ours.2, 7, ours.4)),
            ("host=db tcp_user_timeout=7", (ours.0, ours.1, ours.2, ours.3, 7)),
        ] {
            assert_eq!(noticed(url, None), expected, "{url}");
        }
        assert_eq!(noticed("host=db", Some(7)), (ours.0, ours.1, ours.2, 7, ours.4));
    }
}
