//! Tells whether a host, an address or a URL is this machine, so that what is sent there crosses no network.

use std::net::IpAddr;

use url::Url;

/// Whether an address is a loopback address in any notation: `127.0.0.0/8`, `::1`, `::ffff:127.0.0.1`.
pub fn is_address(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether a host (a name, or an address with or without brackets) is this machine. Names are not resolved: only
/// `localhost` counts.
pub fn is_host(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_address)
}

/// Whether the host of a URL is this machine.
pub fn is_url(url: &Url) -> bool {
    url.host_str().is_some_and(is_host)
}

/// As [`is_url`], for a URL as text; false if the text is no URL.
pub fn is_text(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| is_url(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_localhost_and_the_loopback_addresses_and_nothing_else() {
        for (host, is_this_machine) in [
            ("localhost", true),
            ("LocalHost", true),
            ("127.0.0.1", true),
            ("127.255.255.254", true),
            ("::1", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("", false),
            ("[]", false),
            ("localhost.", false),
            ("localhost.example.org", false),
            ("127.0.0.1.example.org", false),
            ("127.1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("[::1", false),
            ("::ffff:10.0.0.1", false),
            ("192.168.0.1", false),
            ("gazelleapp.io", false),
        ] {
            assert_eq!(is_host(host), is_this_machine, "{host}");
        }
        for (url, is_this_machine) in [
            ("http://LOCALHOST:8080/x", true),
            // The URL's parser reads it as 127.0.0.1.
            ("http://127.1/", true),
            ("https://user@[::1]:1/", true),
            ("http://localhost@example.org/", false),
            ("http://[::2]/", false),
            ("mailto:someone@localhost", false),
        ] {
            assert_eq!(is_url(&url.parse().unwrap()), is_this_machine, "{url}");
        }
    }
}
