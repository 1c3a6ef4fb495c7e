//! Decompresses answers within a limit.
//!
//! Done here rather than by the HTTP library, so that the limit applies to the decompressed size, and so that
//! answers that a gateway compressed without saying so can be read.

use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The value of `Accept-Encoding`.
pub(in crate::source) const OFFERED: &str = "gzip";

/// The magic number of gzip.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// The result of decompressing a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decompressed {
    /// It was not compressed.
    AsItCame,
    Plain(Vec<u8>),
    /// Longer than the limit when decompressed.
    TooLong,
    /// Compressed with an unsupported method, or corrupt; the name of the method.
    Unknown(String),
}

/// The permission to decompress. Compressed and decompressed bytes are then in memory together, while memory is
/// reserved for only the larger of them. So one answer at a time is decompressed in the whole process, and the sum
/// of all limits includes one more body.
pub(super) struct DecompressionPermit {
    _held: MutexGuard<'static, ()>,
}

impl DecompressionPermit {
    /// Waits for the decompression in progress, which takes a fraction of a second for the longest answer and never
    /// blocks.
    pub(super) fn wait() -> DecompressionPermit {
        static TURN: Mutex<()> = Mutex::new(());
        DecompressionPermit { _held: TURN.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// Decompresses a complete body, by its `Content-Encoding` or its first bytes, to at most `limit` bytes.
pub(super) fn decompressed(
    _turn: &DecompressionPermit,
    body: &[u8],
    encoding: Option<&str>,
    limit: usize,
) -> Decompressed {
    let encoding = encoding.map(|encoding| encoding.trim().to_ascii_lowercase()).unwrap_or_default();
    let looks_packed = body.starts_with(GZIP_MAGIC);
    let unpacked = match encoding.as_str() {
        _ if looks_packed => read_all(MultiGzDecoder::new(body), limit),
        // Some gateways claim a compression that they did not apply.
        _ if body.is_empty() || matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'<')) => {
            return Decompressed::AsItCame;
        }
        "" | "identity" => return Decompressed::AsItCame,
        // By the standard the name means zlib's format; some servers send raw deflate.
        "deflate" => {
            read_all(ZlibDecoder::new(body), limit).or_else(|_| read_all(DeflateDecoder::new(body), limit))
        }
        _ => return Decompressed::Unknown(plain_name(&encoding)),
    };
    match unpacked {
        Ok(plain) if plain.len() > limit => Decompressed::TooLong,
        Ok(plain) => Decompressed::Plain(plain),
        Err(_) => Decompressed::Unknown(if looks_packed { "gzip".to_owned() } else { plain_name(&encoding) }),
    }
}

/// Reads one byte more than the limit, which shows that the limit is exceeded.
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

    /// A text compressed by gzip.
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
        let plain = Decompressed::Plain(text.to_vec());
        for (body, encoding, expected) in [
            (gzipped(text), Some("gzip"), &plain),
            (gzipped(text), Some(" GZIP "), &plain),
            (gzipped(text), None, &plain),
            (gzipped(text), Some("identity"), &plain),
            (zlib.finish().unwrap(), Some("deflate"), &plain),
            (bare.finish().unwrap(), Some("deflate"), &plain),
            (text.to_vec(), Some("gzip"), &Decompressed::AsItCame),
            (text.to_vec(), None, &Decompressed::AsItCame),
            (Vec::new(), Some("gzip"), &Decompressed::AsItCame),
            (vec![0x8b, 3], Some("br"), &Decompressed::Unknown("br".to_owned())),
            (gzipped(text)[..20].to_vec(), Some("gzip"), &Decompressed::Unknown("gzip".to_owned())),
        ] {
            assert_eq!(
                &decompressed(&DecompressionPermit::wait(), &body, encoding, 1_000),
                expected,
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn what_a_body_grows_to_is_bounded() {
        let zeros = vec![b' '; 10_000];
        let packed = gzipped(&zeros);
        assert!(packed.len() < 100);
        assert_eq!(
            decompressed(&DecompressionPermit::wait(), &packed, Some("gzip"), 9_999),
            Decompressed::TooLong
        );
        assert_eq!(
            decompressed(&DecompressionPermit::wait(), &packed, Some("gzip"), 10_000),
            Decompressed::Plain(zeros)
        );
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
                        let turn = DecompressionPermit::wait();
                        most.fetch_max(unpacking.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        assert!(matches!(
                            decompressed(&turn, &packed, None, 1_000_000),
                            Decompressed::Plain(_)
                        ));
                        unpacking.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }
}
