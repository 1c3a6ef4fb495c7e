//! The amounts of a language: decimals, shares, durations, rates and sizes.

use std::time::Duration;

use super::locale::Locale;
use crate::config::Language;
use crate::display;

impl Locale {
    /// `2.5` · `2,5`
    pub(crate) fn decimal(&self, number: f64) -> String {
        let text = number.to_string();
        if self.is_french() { text.replace('.', ",") } else { text }
    }

    /// `0.3 %` · `0,3 %`, of a whole.
    pub(crate) fn share(&self, part: u64, whole: u64) -> String {
        let text = display::share(part, whole);
        let bare = text.trim_end_matches('%').trim_end();
        let bare = if self.is_french() { bare.replace('.', ",") } else { bare.to_owned() };
        if self.is_french() { format!("{bare}\u{a0}%") } else { format!("{bare}%") }
    }

    /// `4.2 s` · `4,2 s`; `1 d 04 h` · `1 j 04 h`
    pub(crate) fn milliseconds(&self, milliseconds: i64) -> String {
        let time = Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default());
        let text = display::duration(time);
        let text = match self.language {
            Language::En => text,
            Language::Fr => text.replace('.', ",").replace(" d ", " j "),
        };
        text.replace(' ', "\u{a0}")
    }

    /// `1.4 MiB` · `1,4 Mio`
    pub(crate) fn bytes(&self, bytes: i64) -> String {
        let text = display::bytes(u64::try_from(bytes).unwrap_or_default());
        let text = match self.language {
            Language::En => text,
            Language::Fr => text.replace('.', ",").replace("iB", "io").replace(" B", " o"),
        };
        text.replace(' ', "\u{a0}")
    }

    /// `4.2 s` · `4,2 s`; in English with spaces that may break, as commands print it.
    pub(crate) fn took(&self, time: Duration) -> String {
        let text = display::duration(time);
        match self.language {
            Language::En => text,
            Language::Fr => text.replace('.', ",").replace(" d ", " j ").replace(' ', "\u{a0}"),
        }
    }

    /// `4,120/s` · `4 120/s`, as commands print it.
    pub(crate) fn rate(&self, number: u64, time: Duration) -> String {
        let text = display::rate(number, time);
        match self.language {
            Language::En => text,
            Language::Fr => text.replace(',', "\u{a0}").replace('.', ","),
        }
    }

    /// `1.4 MiB` · `1,4 Mio`; in English with spaces that may break, as commands print it.
    pub(crate) fn size(&self, bytes: i64) -> String {
        match self.language {
            Language::En => display::bytes(u64::try_from(bytes).unwrap_or_default()),
            Language::Fr => self.bytes(bytes),
        }
    }
}
