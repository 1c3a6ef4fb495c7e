//! Undoing the compression of an answer, within a bound.
//!
//! Done here rather than by the HTTP library, so that the bound holds for what an answer grows to, and so that an answer is
//! read that a gateway compressed without saying so.

use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// What we offer in `Accept-Encoding`.
pub(in crate::source) const OFFERED: &str = "gzip";

/// The first bytes of everything that gzip has packed.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// What came of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// It was not compressed.
    AsItCame,
    Plain(Vec<u8>),
    /// Longer than the limit when unpacked.
    TooLong,
    /// Compressed in a way that we cannot undo, or broken. With the name of the way.
    Unknown(String),
}

/// The turn to unpack. Packed and unpacked bytes are both in memory then, and room is counted for the longer ones of them alone: so
/// one answer at a time is unpacked in the whole process, and the one body more that this takes stands in the sum of all bounds.
pub(super) struct Turn {
    _held: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits for whoever unpacks, which takes a fraction of a second for the longest answer and waits for nothing.
    pub(super) fn wait() -> Turn {
        static TURN: Mutex<()> = Mutex::new(());
        Turn { _held: TURN.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// Unpacks a body that came whole, as its `Content-Encoding` says or its first bytes show, to at most `limit` bytes.
pub(super) fn decompressed(_turn: &Turn, body: &[u8], encoding: Option<&str>, limit: usize) -> Decoded {
    let encoding = encoding.map(|encoding| encoding.trim().to_ascii_lowercase()).unwrap_or_default();
    let looks_packed = body.starts_with(GZIP_MAGIC);
    let unpacked = match encoding.as_str() {
        _ if looks_packed => read_all(MultiGzDecoder::new(body), limit),
        // Some gateways say that they packed what they did not.
        _ if body.is_empty() || matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'<')) => {
            return Decoded::AsItCame;
        }
        "" | "identity" => return Decoded::AsItCame,
        // The name stands for zlib's format by the standard, and for none in the practice of some servers.
        "deflate" => {
            read_all(ZlibDecoder::new(body), limit).or_else(|_| read_all(DeflateDecoder::new(body), limit))
        }
        _ => return Decoded::Unknown(plain_name(&encoding)),
    };
    match unpacked {
        Ok(plain) if plain.len() > limit => Decoded::TooLong,
        Ok(plain) => Decoded::Plain(plain),
        Err(_) => Decoded::Unknown(if looks_packed { "gzip".to_owned() } else { plain_name(&encoding) }),
    }
}

/// Up to one byte more than the limit, by which it is seen to be exceeded.
fn read_all(packed: impl Read, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    packed.take(limit as u64 + 1).read_to_end(&mut plain)?;
    Ok(plain)
}

fn plain_name(encoding: &str) -> String {
    encoding.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ',')).take(40).collect()
}

#[cfg(test)]
pub(in crate::source) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    /// A text packed by gzip.
    pub(in crate::source) fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn a_body_is_unpacked_whatever_its_header_says() {
        let text = br#"{"data":{"a":"\u00e9"}}"#;
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(text).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(text).unwrap();
        let plain = Decoded::Plain(text.to_vec());
        for (body, encoding, expected) in [
            (gzipped(text), Some("gzip"), &plain),
            (gzipped(text), Some(" GZIP "), &plain),
            (gzipped(text), None, &plain),
            (gzipped(text), Some("identity"), &plain),
            (zlib.finish().unwrap(), Some("deflate"), &plain),
            (bare.finish().unwrap(), Some("deflate"), &plain),
            (text.to_vec(), Some("gzip"), &Decoded::AsItCame),
            (text.to_vec(), None, &Decoded::AsItCame),
            (Vec::new(), Some("gzip"), &Decoded::AsItCame),
            (vec![0x8b, 3], Some("br"), &Decoded::Unknown("br".to_owned())),
            (gzipped(text)[..20].to_vec(), Some("gzip"), &Decoded::Unknown("gzip".to_owned())),
        ] {
            assert_eq!(&decompressed(&Turn::wait(), &body, encoding, 1_000), expected, "{encoding:?}");
        }
    }

    #[test]
    fn what_a_body_grows_to_is_bounded() {
        let zeros = vec![b' '; 10_000];
        let packed = gzipped(&zeros);
        assert!(packed.len() < 100);
        assert_eq!(decompressed(&Turn::wait(), &packed, Some("gzip"), 9_999), Decoded::TooLong);
        assert_eq!(decompressed(&Turn::wait(), &packed, Some("gzip"), 10_000), Decoded::Plain(zeros));
    }

    #[test]
    fn one_answer_at_a_time_is_unpacked() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let (unpacking, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let packed = gzipped(&vec![b' '; 1_000_000]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let turn = Turn::wait();
                        most.fetch_max(unpacking.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        assert!(matches!(decompressed(&turn, &packed, None, 1_000_000), Decoded::Plain(_)));
                        unpacking.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }
}
