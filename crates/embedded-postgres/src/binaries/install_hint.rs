//! Suggests the command that installs a PostgreSQL server on this system.

use std::fs;

/// The command for this machine, for one major version if that is asked for.
pub(crate) fn install_command(major: Option<u32>) -> String {
    if cfg!(target_os = "macos") {
        return format!("brew install postgresql@{}", major.unwrap_or(17));
    }
    let release = fs::read_to_string("/etc/os-release")
        .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    for_os_release(&release, major)
}

fn for_os_release(release: &str, major: Option<u32>) -> String {
    let value = |key: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches(['"', '\'']).to_owned())
            .unwrap_or_default()
    };
    let (id, like) = (value("ID"), value("ID_LIKE"));
    // The system's own id first, then those that it resembles.
    for family in std::iter::once(id.as_str()).chain(like.split_whitespace()) {
        let (command, numbered) = match family {
            "debian" | "ubuntu" => ("apt-get install postgresql", "-"),
            "fedora" | "rhel" | "centos" => ("dnf install postgresql-server", ""),
            "arch" => ("pacman -S postgresql", ""),
            "alpine" => ("apk add postgresql", ""),
            "suse" | "opensuse" => ("zypper install postgresql-server", ""),
            "nixos" => return "nix-env -iA nixos.postgresql".to_owned(),
            _ => continue,
        };
        return match (major, family) {
            (Some(major), "alpine") => format!("{command}{major}"),
            (Some(major), _) if !numbered.is_empty() => format!("{command}{numbered}{major}"),
            (Some(major), "suse" | "opensuse") => {
                format!("zypper install postgresql{major}-server")
            }
            _ => command.to_owned(),
        };
    }
    "your system's package manager (the package is called postgresql or postgresql-server)".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_common_systems() {
        for (release, any, fifteen) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n",
                "apt-get install postgresql",
                "apt-get install postgresql-15",
            ),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                "apt-get install postgresql",
                "apt-get install postgresql-15",
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                "dnf install postgresql-server",
                "dnf install postgresql-server",
            ),
            ("ID=arch", "pacman -S postgresql", "pacman -S postgresql"),
            ("ID=alpine", "apk add postgresql", "apk add postgresql15"),
            (
                "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"",
                "zypper install postgresql-server",
                "zypper install postgresql15-server",
            ),
        ] {
            assert_eq!(for_os_release(release, None), any);
            assert_eq!(for_os_release(release, Some(15)), fifteen);
        }
        assert!(for_os_release("", None).contains("package manager"));
    }
}
