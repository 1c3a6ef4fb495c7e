//! What is shown goes through the types that make it harmless.

use std::fs;

use super::{code, files, src};

#[test]
fn nothing_is_written_but_what_was_made_harmless() {
    // Whoever prints, logs or answers by himself can forget it; `display`, `http/answer` and the types there cannot.
    let ways = [
        "println!(",
        "print!(",
        "eprintln!(",
        "eprint!(",
        "dbg!(",
        "io::stdout()",
        "io::stderr()",
        "Json(",
        "axum::Json",
        "IntoResponse",
        ".into_response()",
        ".json(&",
        "log_writer(",
        "to_string_pretty",
        "Lines::with_breaks(",
    ];
    // Where each is right, and why.
    let may = |file: &str, way: &str, line: &str| match file {
        // Tests of units.
        _ if file.contains("tests") => true,
        _ if file.starts_with("display/") || file == "http/answer.rs" => true,
        // Its pages are templates, whose escaper is `display`'s (see below).
        "dashboard/answer.rs" => true,
        // Asks what kind of stderr there is; gives the log its one writer.
        "commands/shared/logging.rs" => line.contains("is_terminal()") || way == "log_writer(",
        // A page of our own words alone, for the browser that comes back from a login.
        "credentials/callback.rs" => {
            line.contains("format!(\"{text}\\n\")") || line.starts_with("use axum::response")
        }
        // Our own words, of many lines: a script for a shell, a manual page, statements.
        "commands/manual.rs" | "commands/text/roles.rs" => way == "Lines::with_breaks(",
        // What the outbox holds was `Lines` when it was written.
        "alerts/words/mod.rs" => way == "Lines::with_breaks(",
        // To Gazelle, not to people.
        _ if file.starts_with("source/") => way == ".json(&",
        _ => false,
    };
    let mut seen = 0;
    for (file, text) in files(&src(), "rs") {
        // What stands below is tests.
        let code = code(text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        for line in code.lines().map(str::trim) {
            for way in ways.iter().filter(|way| line.contains(**way)) {
                seen += 1;
                assert!(may(&file, way, line), "{file} writes by itself ({way}): {line}");
            }
        }
    }
    assert!(seen > 10, "the words are looked for where they are");
    let (_, routes) =
        files(&src().join("http"), "rs").into_iter().find(|(file, _)| file == "http/routes.rs").unwrap();
    let handlers: Vec<&str> =
        routes.lines().filter(|line| line.contains("fn ") && line.contains("State(")).collect();
    assert!(handlers.len() >= 5, "{handlers:?}");
    for handler in handlers {
        assert!(handler.ends_with("-> Answer {"), "http/routes.rs answers with something else: {handler}");
    }
}

#[test]
fn templates_escape_every_value_and_hold_nothing_that_acts() {
    let templates = files(&src().join("dashboard"), "html");
    assert!(templates.len() >= 8, "{}", templates.len());
    let feeds = files(&src().join("dashboard"), "xml");
    assert_eq!(feeds.len(), 1, "{feeds:?}");
    for (file, text) in templates.iter().chain(&feeds) {
        // A name space is a name, and nothing is loaded from there.
        let text = text.replace("xmlns=\"http://www.w3.org/2005/Atom\"", "");
        for word in
            ["|safe", "| safe", "escape", "style=", "onclick", "hx-on", "javascript:", "http://", "https://"]
        {
            assert!(!text.contains(word), "{file} says {word}");
        }
    }
    // One script, in a file of its own, and no line of it in a page.
    let scripts: Vec<_> = templates.iter().filter(|(_, text)| text.contains("<script")).collect();
    assert!(
        matches!(&scripts[..], [(file, text)] if file == "dashboard/frame.html"
        && text.matches("<script").count() == 1
        && text.contains("<script type=\"module\" src=\"{{ frame.script() }}\"></script>")),
        "{scripts:?}"
    );
    assert!(!feeds.iter().any(|(_, text)| text.contains("script")), "{feeds:?}");
    for (file, text) in files(&src().join("dashboard"), "rs") {
        // The test of the escaper has a template of its own; every other one stands in a file.
        let is_own = file == "dashboard/escape.rs";
        assert!(is_own || !text.contains("#[template(source"), "{file} has a template in its code");
        assert!(!text.contains("escape = "), "{file} chooses another escaper");
    }
    let set = fs::read_to_string(src().join("../askama.toml")).unwrap();
    assert!(
        set.contains("path = \"crate::dashboard::escape::Harmless\"\nextensions = [\"html\", \"xml\"]"),
        "{set}"
    );
}
