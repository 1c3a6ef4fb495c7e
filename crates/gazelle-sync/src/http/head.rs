//! Scans the first bytes of a connection: for the end of a request's head, and for HTTP/2.

/// How an HTTP/2 connection begins. The server answers HTTP/1.1 only.
const HTTP2: &[u8] = b"PRI ";

/// Detects HTTP/2 at the start of a connection. The HTTP library would accept it if another crate enabled that
/// feature; the phases of `connection` would then be wrong, and a client could hold a slot without sending a
/// request.
#[derive(Debug)]
pub(super) struct PrefaceDetector {
    /// How many bytes have matched the HTTP/2 preface so far; `None` after a mismatch.
    same: Option<usize>,
}

impl PrefaceDetector {
    pub(super) fn new() -> PrefaceDetector {
        PrefaceDetector { same: Some(0) }
    }

    /// Whether HTTP/2 has begun with these next bytes.
    pub(super) fn is_http2(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let Some(same) = self.same else { return false };
            self.same = (HTTP2.get(same) == Some(byte)).then_some(same + 1);
            if self.same == Some(HTTP2.len()) {
                return true;
            }
        }
        false
    }
}

/// Finds the end of a request's head in a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    pub(super) begun: bool,
    line_is_empty: bool,
}

impl HeadEnd {
    /// Whether the head ends within these next bytes.
    pub(super) fn is_in(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.line_is_empty => return true,
                // Empty lines before a request do not belong to its head.
                b'\n' => self.line_is_empty = self.begun,
                b'\r' => {}
                _ => (self.begun, self.line_is_empty) = (true, false),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_at_its_empty_line_however_it_is_cut() {
        for (head, ends) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
            ("GET / HTTP/1.1\nHost: x\n\n", true),
            ("\r\n\r\nGET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: x\r\n", false),
            // Empty lines before a request do not end its head.
            ("\r\n\r\n\r\n", false),
            ("\r\n\r\nGET /", false),
            ("", false),
        ] {
            for size in 1..=head.len().max(1) {
                let mut end = HeadEnd::default();
                let found = head.as_bytes().chunks(size).any(|chunk| end.is_in(chunk));
                assert_eq!(found, ends, "{head:?} by {size}");
            }
        }
    }

    #[test]
    fn http2_is_known_by_its_first_bytes_however_they_are_cut() {
        for (bytes, is_http2) in [
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", true),
            ("PRI ", true),
            ("PRINT / HTTP/1.1\r\n\r\n", false),
            ("PRPRI * HTTP/2.0\r\n", false),
            ("GET /PRI * HTTP/1.1\r\nPRI \r\n", false),
            ("PRI", false),
            ("", false),
        ] {
            for size in 1..=bytes.len().max(1) {
                let mut opening = PrefaceDetector::new();
                let found = bytes.as_bytes().chunks(size).any(|chunk| opening.is_http2(chunk));
                assert_eq!(found, is_http2, "{bytes:?} by {size}");
            }
        }
    }
}
