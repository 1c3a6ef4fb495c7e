use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

const ENTITIES: &[&str] = &["users", "clients", "pianos", "appointments"];

fn read(line: &str) -> Result<Cli, clap::Error> {
    Cli::read(std::iter::once("gazelle-sync").chain(line.split_whitespace()), ENTITIES)
}

#[track_caller]
fn good(line: &str) -> Cli {
    read(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[track_caller]
fn wrong(line: &str) -> String {
    let error = read(line).expect_err(line);
    assert_eq!(error.exit_code(), 2, "{line}");
    error.to_string()
}

#[test]
fn what_is_no_run_id_is_told_with_how_one_looks_and_where_runs_are_listed() {
    for line in [
        "undo badrun",
        "undo --lift badrun",
        "deletions approve badrun",
        "deletions dismiss badrun",
        "warnings --run badrun",
        "replay --run badrun",
        "runs show badrun",
        "runs --before badrun",
    ] {
        let said = wrong(line);
        for word in ["badrun", "a run id", "01a212c8-c8f1-7104-84de-db584bfc3d27", "`gazelle-sync runs`"] {
            assert!(said.contains(word), "{line}: no {word} in {said}");
        }
    }
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_help_text_is_enough_to_work_from() {
    fn look(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        let help = command.render_long_help().to_string();
        assert!(help.contains("Exit status:"), "{name}: {help}");
        assert!(help.contains("  0  ") && help.contains("  2  wrong use"), "{name}: {help}");
        assert!(help.contains("gazelle-sync "), "{name}");
        let examples = help.contains("Examples:") || help.contains("Where to start:");
        assert!(examples, "{name}: {help}");
        let has_own_text = command.get_long_about().is_some();
        for sub in command.get_subcommands_mut() {
            // The actions of `errors`, of `deletions` and of `people` share their text.
            if sub.get_name() != "help" {
                look(sub);
            }
        }
        if ["list", "show", "retry", "dismiss", "approve", "role", "disable", "sign-out"]
            .contains(&name.as_str())
        {
            return;
        }
        assert!(has_own_text, "{name} says only one line of itself");
        if name != "gazelle-sync" {
            let says = ["Effects:", "Read-only", "Only prints"].iter().any(|words| help.contains(words));
            assert!(says, "{name} does not say what it touches: {help}");
        }
    }
    let mut command = Cli::command();
    command.build();
    look(&mut command);
}

/// An example that fails is worse than none.
#[test]
fn every_example_is_accepted() {
    let mut seen = 0;
    let mut command = Cli::command();
    command.build();
    for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        let help = sub.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.split_once("Examples:\n").unwrap().1.split("\n\n").next().unwrap();
        for line in examples.replace("\\\n", " ").lines() {
            let typed = line.split_once("gazelle-sync ").map(|(_, rest)| rest);
            let typed = typed.unwrap_or_default();
            // Pipes, comments and quoted words are ignored.
            let typed = typed.split(['|', '\'']).next().unwrap();
            let typed = typed.split("       ").next().unwrap();
            let typed = match line.contains('\'') {
                true => format!("{typed} text"),
                false => typed.to_owned(),
            };
            good(&typed);
            seen += 1;
        }
    }
    assert!(seen >= 25, "only {seen} examples were found");
}

#[test]
fn the_top_help_lists_every_setting() {
    let help = Cli::command().render_long_help().to_string();
    for doc in crate::config::SETTINGS {
        assert!(help.contains(doc.key) && help.contains(doc.env), "{}", doc.key);
    }
    let error = read("help settings").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DisplayHelp);
    assert!(error.to_string().contains("GAZELLE_SYNC_CONCURRENCY"));
}

#[test]
fn no_secret_has_a_flag() {
    fn longs(command: &clap::Command, found: &mut Vec<String>) {
        found.extend(command.get_arguments().filter_map(|a| a.get_long()).map(str::to_owned));
        command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "simulate")
            .for_each(|sub| longs(sub, found));
    }
    let mut found = Vec::new();
    longs(&Cli::command(), &mut found);
    for doc in crate::config::SETTINGS.iter().filter(|doc| doc.secret) {
        // The database URL may be a flag; a password in it is refused by the settings.
        if doc.key != "database_url" {
            assert!(!found.contains(&doc.key.replace('_', "-")), "--{} exists", doc.key);
        }
    }
}

#[test]
fn quiet_is_a_bound_and_no_level() {
    use tracing::level_filters::LevelFilter;
    for (line, max_log_level) in
        [("status", LevelFilter::TRACE), ("status -q", LevelFilter::WARN), ("status -qq", LevelFilter::ERROR)]
    {
        let cli = good(line);
        assert_eq!(cli.max_log_level(), max_log_level, "{line}");
        assert!(cli.flags().is_empty(), "{line}: a level of the settings stays");
    }
}

#[test]
fn flags_become_the_highest_layer() {
    let cli = good("sync --mode full --schema shop --concurrency 8 --batch-size 10 --timezone UTC -v");
    let flags = cli.flags();
    let of = |key| flags.iter().find(|f| f.key == key).map(|f| (f.name, f.value.as_str()));
    assert_eq!(of("schema"), Some(("--schema", "shop")));
    assert_eq!(of("concurrency"), Some(("--concurrency", "8")));
    assert_eq!(of("batch_size"), Some(("--batch-size", "10")));
    assert_eq!(of("timezone"), Some(("--timezone", "UTC")));
    assert!(of("log_level").is_some_and(|(_, level)| level.contains("debug")));
    assert_eq!(of("page_size"), None);
    assert!(good("status").flags().is_empty());
    for line in ["status -v", "status -vv", "status -q", "status -qq", "fetch --page-size 7"] {
        let layers = crate::config::Layers { flags: good(line).flags(), ..Default::default() };
        crate::config::Settings::load(&layers).unwrap();
    }
    assert!(flags.iter().all(|f| crate::config::SETTINGS.iter().any(|doc| doc.key == f.key)));
}

#[test]
fn wrong_use_names_what_was_meant() {
    assert!(wrong("sync --entity appointment").contains("did you mean `appointments`?"));
    assert!(wrong("errors --entity client").contains("did you mean `clients`?"));
    assert!(wrong("errors retry --entity piano").contains("`pianos`"));
    assert!(wrong("replay --entity invoices").contains("known entities: users, clients"));
    assert!(wrong("reconsile").contains("'reconcile'"));
    assert!(wrong("sync --mod full").contains("'--mode'"));
    assert!(wrong("sync --mode ful").contains("'full'"));
    assert!(wrong("sync --mode full --since 2026-01-01").contains("--since"));
    assert!(wrong("sync --since yesterday").contains("2026-01-09"));
    assert!(wrong("sync --since 2026-01-09T12:00").contains("no UTC offset"));
    assert!(wrong("errors dismiss 1").contains("--reason"));
    assert!(wrong("errors --limit 0").contains("--limit"));
    wrong("errors retry 1 --code missing_parent");
    wrong("status -v -q");
    wrong("fetch --batch-size 3");
}

#[test]
fn wrong_use_fits_in_one_line() {
    for (line, words) in [
        ("", &["no command"][..]),
        ("sync --mode ful", &["'ful'", "'--mode <MODE>'", "incremental, full"]),
        ("sync --entity apointments", &["apointments", "known entities: users"]),
        ("errors dismiss", &["--reason", "<ID>"]),
        ("sink", &["'sink'"]),
    ] {
        let told = in_one_line(&read(line).expect_err(line));
        for word in words {
            assert!(told.contains(word), "{word:?} is not in {told:?}");
        }
        for other in ["\n", "Usage:", "--help'", "error:"] {
            assert!(!told.contains(other), "{other:?} is in {told:?}");
        }
    }
}

#[test]
fn since_is_a_day_or_an_instant() {
    assert_eq!("2026-01-09".parse(), Ok(Since::Day(jiff::civil::date(2026, 1, 9))));
    let noon = "2026-01-09T12:00:00Z".parse().unwrap();
    assert_eq!("2026-01-09T07:00:00-05:00".parse(), Ok(Since::At(noon)));
    for wrong in ["", "2026-02-30", "2026-01-09 12:00", "12:00", "1767960000"] {
        assert!(wrong.parse::<Since>().is_err(), "{wrong}");
    }
}

#[test]
fn errors_alone_lists() {
    let Command::Errors(args) = good("errors --code no_start --limit 5").command else { panic!() };
    let ErrorsAction::List(filter) = args.into_action() else { panic!() };
    assert_eq!((filter.code.as_deref(), filter.limit), (Some("no_start"), Some(Limit::Most(5))));
    let Command::Errors(args) = good("errors --limit all").command else { panic!() };
    assert_eq!((args.filter.limit, args.filter.most()), (Some(Limit::All), usize::MAX));
    let Command::Errors(args) = good("errors list --entity pianos").command else { panic!() };
    let ErrorsAction::List(filter) = args.into_action() else { panic!() };
    assert_eq!((filter.entity.as_deref(), filter.limit), (Some("pianos"), None));
    let Command::Errors(args) = good("errors retry a b --json").command else { panic!() };
    let ErrorsAction::Retry(retry) = args.into_action() else { panic!() };
    assert_eq!(retry.ids, ["a", "b"]);
}

#[test]
fn a_small_shop_is_small_where_not_said_otherwise() {
    let Command::Demo(demo) = good("demo").command else { panic!() };
    assert_eq!(demo.shop.size(), ShopSize::REAL);
    let Command::Simulate(simulate) = good("simulate --small --pianos 7").command else { panic!() };
    assert_eq!(simulate.shop.size(), ShopSize { pianos: 7, ..ShopSize::SMALL });
}
