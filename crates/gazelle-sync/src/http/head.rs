//! What the first bytes say: where the head of a request ends, and whether it is one of HTTP/1.1 at all.

/// How HTTP/2 begins, and no request that is answered here.
const HTTP2: &[u8] = b"PRI ";

/// Looks for HTTP/2 at the beginning of a connection. The server's library would speak it wherever another part of the program
/// has it do so, and then a head ends and an answer begins without a request: a place would be held for nothing.
#[derive(Debug)]
pub(super) struct Opening {
    /// How many bytes have matched the HTTP/2 preface so far; none after a mismatch.
    same: Option<usize>,
}

impl Opening {
    pub(super) fn new() -> Opening {
        Opening { same: Some(0) }
    }

    /// Whether HTTP/2 has begun with these bytes, which follow those before.
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

/// Looks for the end of a request's head in what comes.
#[derive(Debug, Default)]
pub(super) struct EndOfHead {
    pub(super) begun: bool,
    line_is_empty: bool,
}

impl EndOfHead {
    /// Whether the head ends in these bytes, which follow those before.
    pub(super) fn is_in(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.line_is_empty => return true,
                // Empty lines before a request are none of its head.
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
            // What is before a request does not end it.
            ("\r\n\r\n\r\n", false),
            ("\r\n\r\nGET /", false),
            ("", false),
        ] {
            for size in 1..=head.len().max(1) {
                let mut end = EndOfHead::default();
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
                let mut opening = Opening::new();
                let found = bytes.as_bytes().chunks(size).any(|chunk| opening.is_http2(chunk));
                assert_eq!(found, is_http2, "{bytes:?} by {size}");
            }
        }
    }
}
