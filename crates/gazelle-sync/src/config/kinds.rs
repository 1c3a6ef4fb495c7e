//! The types of settings with a fixed set of values or a small grammar.

use std::str::FromStr;

use jiff::civil::Time;

use super::reader::quote;
use crate::states::words;

words! {
    /// Whether something is done.
    Switch {
        /// It is.
        On = "on",
        /// It is not.
        Off = "off",
    }
}

words! {
    /// The format of logs.
    LogFormat {
        /// `Human` on a terminal, otherwise `Json`.
        Auto = "auto",
        /// Text for people.
        Human = "human",
        /// One JSON object per line.
        Json = "json",
    }
}

/// Which versions staging keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// All versions.
    All,
    /// Versions of the last days; the newest version of a record always stays.
    Days(u32),
}

/// An appointment that exists in Gazelle and whose local time is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotCheck {
    /// A part of its title; case does not matter.
    pub title: String,
    /// Its start time in Montréal.
    pub time: Time,
}

/// The appointments that `verify` checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpotChecks(pub Vec<SpotCheck>);

impl FromStr for SpotChecks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| -> Option<SpotCheck> {
            // From the right, because a title may contain `=` too.
            let (title, hour) = part.rsplit_once('=')?;
            let (hours, minutes) = hour.trim().split_once(':')?;
            let time = Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()?;
            let title = title.trim();
            (!title.is_empty()).then(|| SpotCheck { title: title.to_owned(), time })
        };
        parts
            .map(|part| {
                read(part).ok_or_else(|| {
                    let part = quote(part);
                    format!("must be TITLE=HH:MM, several separated by semicolons (Tire le Coyote=18:00), not {part}")
                })
            })
            .collect::<Result<_, _>>()
            .map(SpotChecks)
    }
}

impl FromStr for Retention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text.to_ascii_lowercase().as_str(), text.parse::<u32>()) {
            ("all", _) => Ok(Self::All),
            (_, Ok(days @ 1..=36_500)) => Ok(Self::Days(days)),
            _ => Err("must be `all`, or a number of days from 1 to 36500"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spot_checks_are_titles_with_hours() {
        let read: SpotChecks = " Tire le Coyote avant 8h=07:00; 2 = 3 à=9:30 ;".parse().unwrap();
        let read: Vec<(&str, Time)> = read.0.iter().map(|spot| (spot.title.as_str(), spot.time)).collect();
        let time = |hour, minute| Time::constant(hour, minute, 0, 0);
        assert_eq!(read, [("Tire le Coyote avant 8h", time(7, 0)), ("2 = 3 à", time(9, 30))]);
        for wrong in ["Tire le Coyote", "=07:00", "x=7", "x=24:00", "x=07:60"] {
            let said = wrong.parse::<SpotChecks>().unwrap_err();
            assert!(said.contains(&format!("{wrong:?}")) && said.contains("TITLE=HH:MM"), "{said}");
        }
    }
}
