//! A small seeded generator of numbers and ids: a shop depends only on its seed.

/// SplitMix64: short, fast, and the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        match bound {
            0 => 0,
            _ => (self.next() % bound as u64) as usize,
        }
    }

    /// True with a probability of `percent` %.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// True with a probability of 1/`n`.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The id of the `number`-th record of a kind: prefix and 16 base-62 characters (20 hexadecimal ones for `tme_`).
pub(crate) fn make_id(seed: u64, prefix: &str, number: u64) -> String {
    const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const HEXADECIMAL: &[u8] = b"0123456789abcdef";
    let (alphabet, length) = match prefix {
        "tme_" => (HEXADECIMAL, 20),
        _ => (BASE62, 16),
    };
    let stream = prefix.bytes().fold(number, |acc, byte| mix(acc ^ (u64::from(byte) << 56)));
    let mut random = Random::new(seed, stream);
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    for _ in 0..length {
        id.push(char::from(alphabet[random.below(alphabet.len())]));
    }
    id
}
