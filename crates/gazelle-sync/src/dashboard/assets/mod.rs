//! The files that pages load. Each is compiled in and has the hash of its bytes in its address, so that a browser keeps
//! it for ever and never shows an old one.

use std::sync::LazyLock;

use super::answer::Answer;

/// A file.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const ALL: [Asset; 3] = [
    Asset {
        name: "screen.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("screen.css"),
    },
    Asset { name: "icon.svg", content_type: "image/svg+xml", bytes: include_bytes!("icon.svg") },
    Asset {
        name: "screen.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("screen.js"),
    },
];

/// The address of the style sheet.
pub(super) static STYLE: LazyLock<String> = LazyLock::new(|| address(&ALL[0]));
/// The address of the icon.
pub(super) static ICON: LazyLock<String> = LazyLock::new(|| address(&ALL[1]));
/// The address of the script.
pub(super) static SCRIPT: LazyLock<String> = LazyLock::new(|| address(&ALL[2]));

fn hash(asset: &Asset) -> String {
    blake3::hash(asset.bytes).to_hex()[..16].to_owned()
}

fn address(asset: &Asset) -> String {
    format!("/app/assets/{}/{}", hash(asset), asset.name)
}

/// The file at an address, if there is one of this name with this hash.
pub(super) fn find(asked_hash: &str, name: &str) -> Option<Answer> {
    let asset = ALL.iter().find(|asset| asset.name == name && hash(asset) == asked_hash)?;
    Some(Answer::asset(asset.content_type, asset.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_under_its_hash_and_no_other() {
        let address = STYLE.strip_prefix("/app/assets/").unwrap();
        let (hash, name) = address.split_once('/').unwrap();
        assert!(find(hash, name).is_some());
        assert!(find("0000000000000000", name).is_none() && find(hash, "icon.svg").is_none());
    }

    #[test]
    fn the_script_is_small_makes_no_code_and_no_markup_and_asks_this_site_alone() {
        let script = std::str::from_utf8(ALL[2].bytes).unwrap();
        assert!(script.len() <= 4 * 1024, "{} bytes", script.len());
        let words = [
            "eval",
            "Function(",
            "innerHTML",
            "insertAdjacent",
            "document.write",
            "http",
            "import(",
            "Storage",
            "cookie",
        ];
        for word in words {
            assert!(!script.contains(word), "{word}");
        }
    }

    #[test]
    fn the_style_sheet_is_small_and_asks_nobody() {
        let css = std::str::from_utf8(ALL[0].bytes).unwrap();
        assert!(css.len() <= 16 * 1024, "{} bytes", css.len());
        for word in ["url(", "@import", "http", "expression("] {
            assert!(!css.contains(word), "{word}");
        }
    }
}
