//! What a package installs beside the program: completions and manual pages.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::tools::{missing, tool};

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gazelle-sync"))
        .args(args)
        .env_clear()
        .env("HOME", folder)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

#[test]
fn bash_takes_the_completions_and_knows_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let script = run(folder.path(), &["completions", "bash"]);
    assert!(script.status.success());
    std::fs::write(folder.path().join("completions.bash"), &script.stdout).unwrap();
    // As the shell does when a person types `gazelle-sync mig<Tab>`.
    let asked = tool("bash")
        .arg("-c")
        .arg(
            "source completions.bash; COMP_WORDS=(gazelle-sync mig); COMP_CWORD=1; \
             $(complete -p gazelle-sync | sed 's/.*-F \\([^ ]*\\).*/\\1/') gazelle-sync mig gazelle-sync; echo \"${COMPREPLY[@]}\"",
        )
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "migrate", "{asked:?}");
}

#[test]
fn a_missing_program_is_named_with_the_command_that_installs_it() {
    let line = missing("promtool");
    assert!(line.starts_with("promtool is not installed and this test needs it: "), "{line}");
    assert!(line.contains("install") || line.contains(" add ") || line.contains(" -S "), "{line}");
    assert!(line.contains("./dev test") && !line.contains('\n'), "{line}");
    // There is no such program, and the script does not know it.
    let refusal = std::panic::catch_unwind(|| tool("no-such-program-of-ours")).expect_err("it is not there");
    let line = refusal.downcast_ref::<String>().expect("a message");
    assert!(
        line.starts_with("no-such-program-of-ours is not installed and this test needs it: dev: "),
        "{line}"
    );
    assert!(!line.contains('\n'), "{line}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let written = run(folder.path(), &["man", "--dir", "pages", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&written.stdout).expect("one document");
    let help = run(folder.path(), &["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_whitespace().next().filter(|_| line.starts_with("  ") && !line.starts_with("   "))
        })
        .filter(|name| *name != "help")
        .collect();
    assert!(listed.contains(&"sync") && listed.contains(&"man"), "{listed:?}");
    for name in listed {
        let page =
            std::fs::read_to_string(folder.path().join("pages").join(format!("gazelle-sync-{name}.1")))
                .expect(name);
        assert!(page.contains(".SH SYNOPSIS") && page.contains("\\-\\-json"), "{name}: {page}");
    }
    assert!(document["pages"].as_array().unwrap().iter().any(|page| page == "gazelle-sync.1"));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = run(folder.path(), &["man", "--dir", "file/pages"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("file/pages"), "{refused:?}");
    assert_eq!(run(folder.path(), &["completions", "cobol"]).status.code(), Some(2));
}
