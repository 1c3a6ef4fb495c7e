//! What an installation rests on: the unit of systemd.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::tools::tool;

/// The unit as shipped, but for where the program is, so that the check finds it.
fn unit(folder: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/systemd/gazelle-sync.service");
    let text = std::fs::read_to_string(shipped).expect("the unit");
    let text = text.replace("/usr/local/bin/gazelle-sync", env!("CARGO_BIN_EXE_gazelle-sync"));
    let file = folder.join("gazelle-sync.service");
    std::fs::write(&file, text).expect("a copy");
    file
}

fn analyze(args: &[&str], unit: &Path) -> Output {
    tool("systemd-analyze").args(args).arg(unit).output().expect("systemd-analyze runs")
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let told = analyze(&["verify", "--man=no"], &unit);
    let said = String::from_utf8_lossy(&told.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("gazelle-sync.service")).collect();
    assert!(told.status.success() && ours.is_empty(), "{said}");
    // The check itself sees mistakes.
    let text = std::fs::read_to_string(&unit).unwrap();
    std::fs::write(&unit, text.replace("PrivateTmp=", "PrivateTemp=")).unwrap();
    assert!(String::from_utf8_lossy(&analyze(&["verify", "--man=no"], &unit).stderr).contains("PrivateTemp"));
}

#[test]
fn the_unit_gives_the_service_little_to_do_harm_with() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    // In tenths: 0 is nothing exposed, 100 everything; below 20 is what systemd calls OK.
    // Each line that it leaves at a cross is said in the unit, or is the network that the service is for.
    let told = analyze(&["security", "--offline=true", "--threshold=12", "--no-pager"], &unit);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// `systemd-analyze security` asks for neither.
#[test]
fn a_core_dump_and_a_mount_leave_nothing_behind() {
    let unit = include_str!("../../../../../ops/systemd/gazelle-sync.service");
    for line in ["LimitCORE=0", "PrivateMounts=yes"] {
        assert!(unit.lines().any(|there| there == line), "{line}");
    }
}

fn ops(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops").join(name)).expect(name)
}

/// Whether a shell understands a script; nothing of it is run.
#[track_caller]
fn a_shell_understands(script: &str) {
    let told = std::process::Command::new("sh").args(["-n", "-c", script]).output().expect("sh");
    assert!(told.status.success(), "{script}\n{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn cron_understands_every_line_of_the_table() {
    let mut lines = 0;
    for line in ops("cron/gazelle-sync").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        // A variable, or the five fields of the time, the account and the command. A `%` would end the command.
        if let Some((name, _)) = line.split_once('=').filter(|(name, _)| !name.contains(' ')) {
            assert!(["PATH", "SHELL", "MAILTO"].contains(&name), "{line}");
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        words[..5].join(" ").parse::<croner::Cron>().unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(words[5], "gazelle-sync", "{line}");
        assert!(!line.contains('%'), "{line}");
        a_shell_understands(&words[6..].join(" "));
        lines += 1;
    }
    assert_eq!(lines, 2);
}

#[test]
fn the_workflows_run_at_times_and_with_commands_that_are_understood() {
    for (file, schedule) in [("sync.yml", "*/15 * * * *"), ("full-sync.yml", "17 7 * * *")] {
        let text = ops(&format!("github-actions/{file}"));
        assert!(!text.contains('\t'), "YAML has no tabulators: {file}");
        let cron = text.lines().find_map(|line| line.trim().strip_prefix("- cron: ")).expect("a schedule");
        assert_eq!(cron.trim_matches('"'), schedule);
        schedule.parse::<croner::Cron>().expect("a schedule");
        let commands: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("run: ").or(line.trim().strip_prefix("- run: ")))
            .collect();
        assert!(commands.iter().any(|command| command.starts_with("gazelle-sync sync")), "{commands:?}");
        commands.into_iter().for_each(a_shell_understands);
        // A public log must not hold records, and secrets come from where GitHub keeps them.
        assert!(text.contains("${{ secrets.DATABASE_URL }}") && !text.contains("errors show"), "{file}");
    }
}

#[test]
fn the_container_runs_as_nobody_and_what_it_copies_is_there() {
    let text = ops("container/Containerfile");
    let user = text.lines().rev().find_map(|line| line.strip_prefix("USER ")).expect("a user");
    assert!(user.parse::<u32>().is_ok_and(|id| id > 0), "{user}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from=")) {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        for source in &words[..words.len() - 1] {
            assert!(root.join(source).exists(), "{line}: there is no {source}");
        }
    }
    let compose = ops("container/compose.yaml");
    for line in ["read_only: true", "- no-new-privileges:true"] {
        assert!(compose.lines().any(|there| there.trim() == line), "{line}");
    }
}
