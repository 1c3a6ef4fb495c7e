//! PostgreSQL version numbers.

use std::fmt;

/// The oldest supported major version.
pub const MINIMUM_MAJOR: u32 = 15;

/// A server's version, such as `15.18`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major version, to which a data folder is bound.
    pub major: u32,
    /// The minor version; 0 for a development or beta version.
    pub minor: u32,
}

impl Version {
    /// Parses the output of `postgres --version`, such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub(crate) fn from_program_output(output: &str) -> Option<Version> {
        let (_, rest) = output.split_once("(PostgreSQL) ")?;
        let mut numbers = rest.split_whitespace().next()?.splitn(2, '.').map(leading_number);
        let major = numbers.next()??;
        // "18beta1" and "18devel" have no second number.
        let minor = numbers.next().flatten().unwrap_or(0);
        Some(Version { major, minor })
    }

    /// Parses the setting `server_version_num`, such as `150018`.
    pub(crate) fn from_server_version_num(number: u32) -> Version {
        Version { major: number / 10_000, minor: number % 10_000 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_postgres_prints() {
        for (output, major, minor) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", 15, 18),
            ("postgres (PostgreSQL) 17.2 (Homebrew)", 17, 2),
            ("postgres (PostgreSQL) 18beta1", 18, 0),
            ("postgres (PostgreSQL) 19devel", 19, 0),
        ] {
            assert_eq!(Version::from_program_output(output), Some(Version { major, minor }));
        }
        assert_eq!(Version::from_program_output("zsh: command not found"), None);
        assert_eq!(Version::from_server_version_num(150_018).to_string(), "15.18");
    }
}
