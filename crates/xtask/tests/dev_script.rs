//! `./dev`, the script at the root: on machines made of stubs, what it installs, what it refuses and what it runs.

mod machine;

use std::fs;

use machine::{Machine, ScriptResult, repository, rust_files};

const DEMO: &str = "cargo run --release --locked -p gazelle-sync -- demo";
const TESTS: &str = "cargo test --locked";

#[track_caller]
fn assert_ran(ended: &ScriptResult, calls: &[&str]) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.calls, calls, "{}", ended.stderr);
}

/// It stopped with these words, and nothing was changed or run.
#[track_caller]
fn assert_refused(ended: &ScriptResult, words: &[&str]) {
    assert_eq!((ended.code, ended.calls.as_slice()), (1, &[][..]), "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "no {word:?} in {}", ended.stderr);
    }
}

#[test]
fn each_systems_own_package_manager_installs_what_is_missing_under_its_own_names() {
    let all = ["cc", "pgbouncer", "promtool", "bash", "tar", "chromedriver", "systemd-analyze"];
    let apt = "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends";
    for (manager, release, demo, tests) in [
        (
            "apt-get",
            "ID=debian",
            format!("{apt} gcc libc6-dev postgresql"),
            format!(
                "{apt} gcc libc6-dev postgresql pgbouncer prometheus bash tar chromium chromium-driver systemd"
            ),
        ),
        (
            "apt-get",
            "ID=ubuntu\nID_LIKE=debian",
            format!("{apt} gcc libc6-dev postgresql"),
            format!(
                "{apt} gcc libc6-dev postgresql pgbouncer prometheus bash tar chromium-browser \
                 chromium-chromedriver systemd"
            ),
        ),
        (
            "dnf",
            "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
            "dnf install -y --setopt=install_weak_deps=False gcc postgresql-server postgresql".to_owned(),
            "dnf install -y --setopt=install_weak_deps=False gcc postgresql-server postgresql pgbouncer \
             /usr/bin/promtool bash tar chromium chromedriver systemd"
                .to_owned(),
        ),
        (
            "zypper",
            "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"",
            "zypper --non-interactive install --no-recommends gcc postgresql-server postgresql".to_owned(),
            "zypper --non-interactive install --no-recommends gcc postgresql-server postgresql pgbouncer \
             golang-github-prometheus-prometheus bash tar chromium chromedriver systemd"
                .to_owned(),
        ),
        (
            "pacman",
            "ID=arch",
            "pacman -S --needed --noconfirm gcc postgresql".to_owned(),
            "pacman -S --needed --noconfirm gcc postgresql pgbouncer prometheus bash tar chromium systemd"
                .to_owned(),
        ),
        (
            "apk",
            "ID=alpine",
            "apk add gcc musl-dev postgresql postgresql-client".to_owned(),
            "apk add gcc musl-dev postgresql postgresql-client pgbouncer prometheus bash tar chromium \
             chromium-chromedriver"
                .to_owned(),
        ),
    ] {
        for (task, installs, runs) in [("demo", &demo, DEMO), ("test", &tests, TESTS)] {
            let machine = Machine::new("Linux", 1000);
            machine.distribution(release);
            machine.manager(manager, &all);
            machine.may_become_root("sudo");
            let ended = machine.dev(&["--yes", task]);
            let real = installs.trim_start_matches("env DEBIAN_FRONTEND=noninteractive ");
            let mut calls = vec![format!("sudo {installs}"), real.to_owned(), runs.trim().to_owned()];
            if manager == "apt-get" {
                calls.splice(0..0, ["sudo apt-get update".to_owned(), "apt-get update".to_owned()]);
            }
            assert_ran(&ended, &calls.iter().map(String::as_str).collect::<Vec<_>>());
            // And says before what it will do, in the very words.
            for words in ["Missing: a C compiler, PostgreSQL 15 or newer", &format!("sudo {installs}\n")] {
                assert!(ended.stderr.contains(words), "{}", ended.stderr);
            }
            assert!(ended.stdout.is_empty(), "stdout is the program's: {}", ended.stdout);
            // Now it is there.
            assert_ran(&machine.dev(&[task]), &[runs]);
        }
    }
}

#[test]
fn another_systems_package_manager_beside_the_own_one_is_left_alone() {
    let machine = Machine::new("Linux", 0);
    machine.distribution("ID=fedora");
    machine.manager("apt-get", &["cc"]);
    machine.manager("dnf", &["cc"]);
    assert!(machine.dev(&["demo"]).calls[0].starts_with("dnf install"), "Fedora has apt-get to build with");
    // A system that nobody knows, with a package manager that everybody does.
    let machine = Machine::new("Linux", 0);
    machine.distribution("ID=mine");
    machine.manager("pacman", &["cc"]);
    assert!(machine.dev(&["demo"]).calls[0].starts_with("pacman -S"));
}

#[test]
fn root_installs_at_once_without_sudo() {
    let machine = Machine::new("Linux", 0);
    machine.manager("apk", &["cc"]);
    machine.may_become_root("sudo");
    let ended = machine.dev(&["demo", "--small"]);
    assert_ran(&ended, &["apk add gcc musl-dev postgresql postgresql-client", &format!("{DEMO} --small")]);
}

#[test]
fn without_a_terminal_nobody_but_root_installs_anything_unasked() {
    let machine = Machine::new("Linux", 1000);
    machine.manager("apt-get", &["cc"]);
    machine.may_become_root("sudo");
    let line = "sudo apt-get update; sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
                --no-install-recommends gcc libc6-dev postgresql\n";
    assert_refused(&machine.dev(&["demo"]), &["Missing: a C compiler, PostgreSQL", line, "./dev --yes demo"]);
    assert_refused(&machine.dev(&["test"]), &["pgbouncer, promtool", "./dev --yes test"]);
    // After the task the flag is understood too.
    assert_eq!(machine.dev(&["demo", "--yes", "--stop"]).calls.last().unwrap(), &format!("{DEMO} --stop"));
    // What is the task's own stays the task's own.
    assert_ran(&machine.dev(&["demo", "--help", "--yes"]), &[&format!("{DEMO} --help --yes")]);
}

#[test]
fn on_a_terminal_it_asks_first_and_no_is_no() {
    let machine = Machine::new("Linux", 1000);
    machine.manager("pacman", &["cc"]);
    machine.may_become_root("doas");
    for answer in ["n\n", "\n", "\u{4}", "nyet\n"] {
        let ended = machine.dev_on_a_terminal(&["demo"], answer);
        let words =
            ["doas pacman -S --needed --noconfirm gcc postgresql\n", "[y/N]", "nothing was installed"];
        assert_refused(&ended, &words);
    }
    let ended = machine.dev_on_a_terminal(&["demo"], "y\n");
    let install = "pacman -S --needed --noconfirm gcc postgresql";
    assert_ran(&ended, &[&format!("doas {install}"), install, DEMO]);
    // Root is asked nothing, and neither is who said --yes.
    let machine = Machine::new("Linux", 0);
    machine.manager("pacman", &["cc"]);
    assert_ran(&machine.dev_on_a_terminal(&["demo"], "n\n"), &[install, DEMO]);
}

#[test]
fn nobody_to_become_root_with_and_no_package_manager_are_said() {
    let machine = Machine::new("Linux", 1000);
    machine.manager("dnf", &["cc"]);
    assert_refused(&machine.dev(&["--yes", "demo"]), &["neither sudo nor doas", "dnf install"]);
    let machine = Machine::new("Linux", 0);
    assert_refused(&machine.dev(&["demo"]), &["Missing: a C compiler", "no package manager"]);
    let machine = Machine::new("Darwin", 501);
    machine.program("xcode-select", "exit 0");
    machine.program("cc", "exit 0");
    assert_refused(&machine.dev(&["--yes", "demo"]), &["Missing: PostgreSQL 15", "https://brew.sh"]);
    // Another system will do where nothing is missing.
    assert_refused(&Machine::new("Haiku", 0).dev(&["demo"]), &["no package manager"]);
    assert_ran(&Machine::ready("Haiku", 0).dev(&["demo"]), &[DEMO]);
}

#[test]
fn a_machine_that_has_everything_is_changed_in_nothing() {
    let machine = Machine::ready("Linux", 1000);
    machine.manager("apt-get", &[]);
    machine.may_become_root("sudo");
    assert_ran(&machine.dev(&["demo", "--small", "--json"]), &[&format!("{DEMO} --small --json")]);
    assert_ran(&machine.dev(&["test"]), &[TESTS]);
    let one = ["test", "-p", "gazelle-sync", "--test", "logs"];
    assert_ran(&machine.dev(&one), &[&format!("{TESTS} -p gazelle-sync --test logs")]);
    // The demo needs none of what the tests need.
    for tool in ["pgbouncer", "promtool", "chromedriver", "systemd-analyze"] {
        machine.without(tool);
    }
    assert_ran(&machine.dev(&["demo"]), &[DEMO]);
}

#[test]
fn each_tool_of_the_tests_is_missed_by_itself() {
    for (tool, package) in [
        ("pgbouncer", "pgbouncer"),
        ("promtool", "prometheus"),
        ("bash", "bash"),
        ("tar", "tar"),
        ("chromedriver", "chromium chromium-driver"),
        ("systemd-analyze", "systemd"),
    ] {
        let machine = Machine::ready("Linux", 1000);
        machine.manager("apt-get", &[]);
        machine.may_become_root("sudo");
        machine.without(tool);
        let line = format!(
            "sudo apt-get update; sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
             --no-install-recommends {package}\n"
        );
        assert_refused(&machine.dev(&["test"]), &[&format!("Missing: {tool}\n"), &line]);
        let how = machine.dev(&["how", tool]);
        assert_eq!((how.stdout.as_str(), how.calls.len()), (line.as_str(), 0));
    }
}

#[test]
fn a_compiler_without_headers_and_an_old_postgres_count_as_missing() {
    let machine = Machine::ready("Linux", 1000);
    machine.manager("apt-get", &[]);
    machine.program("cc", "echo 'stdlib.h: No such file' >&2; exit 1");
    assert_refused(&machine.dev(&["demo"]), &["Missing: a C compiler\n"]);

    let machine = Machine::ready("Linux", 0);
    machine.without_postgres();
    machine.postgres("root", "usr/lib/postgresql/14/bin", "14.15 (Ubuntu 14.15-0ubuntu0.22.04.1)");
    machine.manager("apt-get", &[]);
    // The distribution has no newer one.
    machine.program("apt-get", "echo \"apt-get $*\" >>\"$HERE/calls\"");
    let ended = machine.dev(&["demo"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    for words in ["still missing: PostgreSQL 15", "https://www.postgresql.org/download/"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    assert!(!ended.calls.iter().any(|call| call.starts_with("cargo")), "{:?}", ended.calls);
    // A beta of the next one will do.
    machine.postgres("root", "usr/lib/postgresql/19/bin", "19beta1");
    assert_ran(&machine.dev(&["demo"]), &[DEMO]);
}

#[test]
fn an_installation_that_fails_ends_it_with_the_command() {
    let machine = Machine::new("Linux", 0);
    machine.program("dnf", "echo \"dnf $*\" >>\"$HERE/calls\"; exit 1");
    let ended = machine.dev(&["demo"]);
    assert_eq!((ended.code, ended.calls.len()), (1, 1), "{}", ended.stderr);
    assert!(ended.stderr.contains("the command was: dnf install"), "{}", ended.stderr);
}

#[test]
fn rust_is_never_installed_but_the_command_that_does_is_named() {
    let pipe = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";
    let machine = Machine::ready("Linux", 0);
    machine.without("rustc");
    machine.without("cargo");
    assert_refused(&machine.dev(&["demo"]), &["Rust 1.94 or newer is missing", pipe]);
    // The rest is installed all the same, and said at the end.
    machine.without("cc");
    machine.manager("apk", &["cc"]);
    let ended = machine.dev(&["demo"]);
    assert_eq!((ended.code, ended.calls.as_slice()), (1, &["apk add gcc musl-dev".to_owned()][..]));
    assert!(ended.stderr.trim_end().ends_with(pipe), "{}", ended.stderr);

    let machine = Machine::ready("Linux", 0);
    machine.program("rustc", "echo 'rustc 1.63.0 (4b91a6ea7 2022-08-08)'");
    assert_refused(&machine.dev(&["demo"]), &["Rust 1.94 or newer is missing", pipe]);
    machine.program("rustup", "exit 0");
    let fix = "rustup update stable && rustup default stable";
    assert_refused(&machine.dev(&["demo"]), &["Rust 1.94 or newer is missing", fix]);
    machine.program("rustc", "echo 'rustup could not choose a version' >&2; exit 1");
    assert_refused(&machine.dev(&["demo"]), &["Rust 1.94 or newer is missing", fix]);
    machine.program("rustc", "echo 'rustc 1.94.0-nightly (0123456 2026-01-01)'");
    assert_ran(&machine.dev(&["demo"]), &[DEMO]);
}

#[test]
fn a_mac_is_set_up_with_homebrew_and_asks_for_nothing_of_linux() {
    let machine = Machine::new("Darwin", 501);
    machine.program("xcode-select", "exit 0");
    for tool in ["cc", "bash", "tar"] {
        machine.program(tool, "exit 0");
    }
    machine.manager("brew", &["pgbouncer", "promtool"]);
    machine.may_become_root("sudo");
    let line = "brew install postgresql@17 pgbouncer prometheus";
    let browser = "chromedriver is not to be had with brew: the tests in a browser will fail";
    assert_refused(&machine.dev(&["test"]), &[browser, line, "./dev --yes test"]);
    assert_ran(&machine.dev_on_a_terminal(&["test"], "yes\n"), &[line, TESTS]);
    // The compiler comes with a window of Apple's.
    let machine = Machine::ready("Darwin", 501);
    machine.program("xcode-select", "exit 2");
    assert_refused(&machine.dev(&["--yes", "demo"]), &["a C compiler is missing: xcode-select --install"]);
    assert_refused(&machine.dev(&["how", "cc"]), &["xcode-select --install"]);
    // Without Homebrew, its command is named all the same.
    assert_eq!(machine.dev(&["how", "promtool", "bash"]).stdout, "brew install prometheus bash\n");
}

#[test]
fn what_a_system_does_not_have_is_said_and_the_tests_tell_the_rest() {
    let machine = Machine::ready("Linux", 0);
    machine.without("systemd-analyze");
    machine.distribution("ID=alpine");
    machine.manager("apk", &[]);
    let ended = machine.dev(&["test"]);
    assert_ran(&ended, &[TESTS]);
    assert!(ended.stderr.contains("systemd-analyze is not to be had with apk"), "{}", ended.stderr);
    assert_refused(&machine.dev(&["how", "systemd-analyze"]), &["systemd-analyze is not to be had with apk"]);
}

#[test]
fn how_takes_the_tools_and_no_other_word() {
    let machine = Machine::ready("Linux", 0);
    machine.manager("dnf", &[]);
    let how = machine.dev(&["how", "cc", "postgres"]);
    let line = "dnf install -y --setopt=install_weak_deps=False gcc postgresql-server postgresql\n";
    assert_eq!((how.code, how.stdout.as_str()), (0, line), "{}", how.stderr);
    let takes = "cc postgres pgbouncer promtool bash tar chromedriver systemd-analyze";
    for words in
        [&["how"][..], &["how", "demo"], &["how", "cc", "gcc"], &["how", "cc postgres"], &["how", ""]]
    {
        let ended = machine.dev(words);
        assert_refused(&ended, &[takes]);
        assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    }
}

#[test]
fn it_looks_for_postgres_where_the_program_does() {
    let script = fs::read_to_string(repository().join("dev")).unwrap();
    let places =
        fs::read_to_string(repository().join("crates/embedded-postgres/src/binaries/find.rs")).unwrap();
    let patterns: Vec<&str> = places
        .lines()
        .skip_while(|line| !line.contains("pub fn standard()"))
        .take_while(|line| !line.contains(".map(PathBuf::from)"))
        .filter_map(|line| line.trim().strip_prefix("\"/")?.split('"').next())
        .collect();
    assert!(patterns.len() >= 10, "{patterns:?}");
    for pattern in patterns {
        assert!(script.contains(&format!("\"$root\"/{pattern}")), "./dev does not look in /{pattern}");
        let machine = Machine::ready("Linux", 1000);
        machine.without_postgres();
        assert_eq!(machine.dev(&["demo"]).code, 1);
        machine.postgres("root", &pattern.replace('*', "17"), "17.2");
        assert_ran(&machine.dev(&["demo"]), &[DEMO]);
    }
}

#[test]
fn help_is_shown_to_who_asks_and_to_who_mistypes() {
    let machine = Machine::ready("Linux", 1000);
    for args in [&[][..], &["help"], &["--help"], &["--yes"]] {
        let ended = machine.dev(args);
        assert_eq!((ended.code, ended.calls.len()), (0, 0), "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.contains("./dev [--yes] demo"), "{}", ended.stdout);
    }
    assert_refused(&machine.dev(&["tset"]), &["no such task: tset", "./dev [--yes] test"]);
}

/// A test starts a program from outside through `support/tools.rs`, which fails with the command that installs it,
/// and `./dev test` installs what is started so.
#[test]
fn tests_start_outside_programs_through_the_helper_and_the_script_installs_each() {
    /// What POSIX gives every system, and util-linux every Linux: only tests for Linux start it.
    const EVERYWHERE: [&str; 4] = ["sh", "id", "sleep", "unshare"];
    let script = fs::read_to_string(repository().join("dev")).unwrap();
    let installed: Vec<&str> = script
        .lines()
        .filter_map(|line| line.split_once("tools=\"")?.1.split('"').next())
        .flat_map(str::split_whitespace)
        .collect();
    let mut files = Vec::new();
    for entry in fs::read_dir(repository().join("crates")).unwrap().flatten() {
        let tests = entry.path().join("tests");
        if tests.is_dir() {
            rust_files(&tests, &mut files);
        }
    }
    let mut started = 0;
    // But for this file, which speaks of them.
    for (file, text) in files.iter().filter(|(file, _)| !file.ends_with("dev_script.rs")) {
        let quoted = |start: &str| -> Vec<&str> {
            text.split(start).skip(1).filter_map(|rest| rest.strip_prefix('"')?.split('"').next()).collect()
        };
        for name in quoted("Command::new(") {
            assert!(EVERYWHERE.contains(&name), "{file} starts {name} by itself");
        }
        // One is asked for because it is nowhere.
        for name in quoted("tool(").into_iter().filter(|name| !name.starts_with("no-such-")) {
            assert!(installed.contains(&name), "{file} needs {name}, which ./dev test does not install");
            started += 1;
        }
    }
    assert!(started >= 4, "only {started} tools are started");
}
