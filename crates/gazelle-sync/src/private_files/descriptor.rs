//! Recognizes names of open descriptors (`/dev/stdin`, `/dev/fd/63`).

use std::path::Path;

/// Whether a path names one of our descriptors. A path that continues below one is an ordinary path.
pub(super) fn is_one(file: &Path) -> bool {
    let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let name = file.to_str().unwrap_or_default();
    name == "/dev/stdin"
        || ["/dev/fd/", "/proc/self/fd/"]
            .iter()
            .any(|folder| name.strip_prefix(folder).is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_ours_are_known_by_their_whole_names() {
        for name in ["/dev/stdin", "/dev/fd/0", "/dev/fd/63", "/proc/self/fd/3"] {
            assert!(is_one(Path::new(name)), "{name}");
        }
        for name in [
            "/dev/fd",
            "/dev/fd/",
            "/dev/fd/3/x",
            "/dev/fd/../x",
            "/dev/fd/3/../../x",
            "/proc/self/fd/../cwd/x",
            "/dev/fd/+3",
            "/dev/stdin/x",
        ] {
            assert!(!is_one(Path::new(name)), "{name}");
        }
    }
}
