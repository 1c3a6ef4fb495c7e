use std::time::Duration;

use super::safe::{safe, safe_lines};
use super::*;

#[test]
fn durations_read_as_people_say_them() {
    for (millis, expected) in [
        (0.0, "0 ms"),
        (0.4, "< 1 ms"),
        (240.0, "240 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (4_230.0, "4.2 s"),
        (59_940.0, "59.9 s"),
        (59_960.0, "1 min 00 s"),
        (65_000.0, "1 min 05 s"),
        (3_599_600.0, "1 h 00 min"),
        (7_380_000.0, "2 h 03 min"),
        (100_800_000.0, "1 d 04 h"),
    ] {
        assert_eq!(duration(Duration::from_secs_f64(millis / 1_000.0)), expected, "{millis}");
    }
    assert!(duration(Duration::MAX).ends_with(" h"));
}

#[test]
fn numbers_are_grouped() {
    assert_eq!(count(0u8), "0");
    assert_eq!(count(999usize), "999");
    assert_eq!(count(11_460u64), "11,460");
    assert_eq!(count(-1_234_567i64), "-1,234,567");
    assert_eq!(rate(11_460, Duration::from_secs(2)), "5,730/s");
    assert_eq!(rate(4, Duration::from_secs(10)), "0.4/s");
    assert_eq!(rate(0, Duration::from_secs(1)), "0/s");
    assert_eq!(rate(4, Duration::ZERO), "–");
    assert_eq!(bytes(1_000), "1000 B");
    assert_eq!(bytes(1_048_570), "1.0 MiB");
    assert_eq!(share(1, 8), "12.5 %");
    assert_eq!(share(0, 0), "–");
}

#[test]
fn text_that_would_act_on_a_terminal_is_shown_instead() {
    assert_eq!(safe("Forêt d’été, Ωμέγα, 👩🏽‍🔧 \u{200d}"), "Forêt d’été, Ωμέγα, 👩🏽‍🔧 \u{200d}");
    assert!(matches!(safe("plain"), std::borrow::Cow::Borrowed(_)));
    assert_eq!(safe("\u{1b}[31mred\u{1b}[0m"), "␛[31mred␛[0m");
    assert_eq!(safe("a\r\nb\tc\0\u{7f}"), "a␍␊b␉c␀␡");
    assert_eq!(safe("\u{9b}2J"), "\\u{9b}2J");
    assert_eq!(safe("evil\u{202e}txt\u{200b}"), "evil\\u{202e}txt\\u{200b}");
    assert_eq!(safe_lines("a\n\tb\r\u{1b}]0;title\u{7}"), "a\n\tb␍␛]0;title␇");
}

#[test]
fn what_is_added_to_a_single_line_is_a_line_of_its_own() {
    let mut lines = super::Lines::from("one");
    assert_eq!(lines.as_str(), "one");
    lines.line("two");
    assert_eq!(lines.as_str(), "one\ntwo");
}

#[test]
fn long_texts_end_with_a_word() {
    for (text, most, expected) in [
        ("the API said no", 15, "the API said no"),
        ("the API said no", 14, "the API said …"),
        ("the API said no", 12, "the API said …"),
        ("the API said no", 11, "the API …"),
        ("longestword", 7, "longest …"),
        ("été à été", 6, "été à …"),
        ("", 0, ""),
    ] {
        assert_eq!(shortened(text, most), expected, "{text} {most}");
    }
}

fn sample() -> Table {
    let mut table = Table::new([Column::text("entity"), Column::number("fetched"), Column::text("note")]);
    table.row(["users", "4", ""]);
    table.row(["appointments", "11,460", "\u{1b}[31mtwo words and then some more of them"]);
    table
}

#[test]
fn tables_align_numbers_to_the_right_and_neutralise_data() {
    let text = sample().render_as(None, false).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with(" entity"), "{text}");
    assert!(lines[1].trim().chars().all(|c| c == '─'), "{text}");
    assert_eq!(lines[2].find(" 4").map(|at| at + 2), lines[3].find("11,460").map(|at| at + 6), "{text}");
    assert!(!text.contains('\u{1b}') && text.contains("␛[31m"), "{text:?}");
}

#[test]
fn tables_fit_their_width_and_are_bold_only_when_told() {
    let text = sample().render_as(Some(50), false).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
    assert!(text.lines().count() > 4, "{text}");
    let bold = sample().render_as(None, true).to_string();
    assert!(bold.contains("\u{1b}[1m") && !bold.contains("\u{1b}[31m"), "{bold:?}");
}

#[test]
fn a_narrow_table_breaks_between_words_alone() {
    let headings = ["fetched", "staged", "unchanged", "processed", "quarantined", "deleted", "in production"];
    let mut columns = vec![Column::text("entity")];
    columns.extend(headings.map(Column::number));
    columns.push(Column::text("outcome of the walk"));
    let mut table = Table::new(columns);
    let numbers = ["1,011,460", "11,460", "0", "1,011,460", "12", "0", "1,011,448"];
    table.row(["appointments"].into_iter().chain(numbers).chain(["complete, and the counts agree"]));
    for width in [40, 60, 80, 100] {
        let text = table.render_as(Some(width), false).to_string();
        for word in ["appointments", "quarantined", "production", "1,011,460", "1,011,448", "complete,"] {
            assert!(text.contains(word), "{word} is broken at {width}:\n{text}");
        }
    }
    let mut long = Table::new([Column::text("reason"), Column::text("id")]);
    long.row(["x".repeat(500), "evt_0123456789".to_owned()]);
    let text = long.render_as(Some(80), false).to_string();
    assert!(text.contains("evt_0123456789"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn where_words_have_no_room_those_of_sentences_are_broken_and_no_id() {
    let of = |ids: Column| {
        let columns = [Column::text("entity"), Column::text("warning"), Column::number("records")];
        let mut table = Table::new(columns.into_iter().chain([Column::text("last noted"), ids]));
        table.row([
            "appointments",
            "appointment without a client (appointment_without_client)",
            "1,396",
            "2026-11-30 04:42",
            "evt_x1dtEN1HetPTj6Zu, evt_0u2VJSspRnle3y5f, …",
        ]);
        table
    };
    for width in [70, 80, 100] {
        let text = of(Column::ids("such as")).render_as(Some(width), false).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{text}");
        for word in ["evt_x1dtEN1HetPTj6Zu", "evt_0u2VJSspRnle3y5f", "appointments", "1,396", "2026-11-30"] {
            assert!(text.contains(word), "{word} is broken at {width}:\n{text}");
        }
        // Preferably at punctuation.
        assert!(text.contains("without_") && !text.contains("without_c\n"), "{text}");
    }
    // Not even if the table gets too wide.
    let text = of(Column::ids("such as")).render_as(Some(50), false).to_string();
    assert!(text.contains("evt_x1dtEN1HetPTj6Zu") && text.contains("appointments"), "{text}");
}

#[test]
fn sentences_are_broken_between_words_and_go_on_under_their_beginning() {
    let wrap = |text: &str, width| super::width::wrapped_to(text, 4, width);
    assert_eq!(wrap("ok  one two three", None), "ok  one two three");
    assert_eq!(wrap("ok  one two three", Some(11)), "ok  one two\n    three");
    assert_eq!(wrap("ok  averylongword two", Some(11)), "ok\n    averylongword\n    two");
    assert_eq!(wrap("    averylongword", Some(11)), "    averylongword");
    assert_eq!(wrap("", Some(11)), "");
}

/// The final table of `sync` and `demo`, for a shop of typical size.
#[test]
fn the_table_of_a_run_fits_a_terminal_of_80_columns() {
    let numbers =
        ["fetched", "staged", "unchanged", "applied", "errors", "deleted", "held"].map(Column::number);
    let mut table = Table::new([Column::text("entity"), Column::text("walk")].into_iter().chain(numbers));
    table.row(["clients", "whole", "4,011", "2", "4,009", "2", "0", "0", "4,011"]);
    table.row(["appointments", "from 2026-10-26", "11,460", "11,460", "1,270", "11,457", "3", "0", "11,458"]);
    let text = table.render_as(Some(80), false).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    // On a wide terminal, columns stand further apart.
    assert!(table.render_as(Some(110), false).to_string().contains("fetched   staged"), "{text}");
}

#[test]
fn short_and_long_rows_do_no_harm() {
    let mut table = Table::new([Column::text("a"), Column::text("b")]);
    assert!(table.is_empty());
    table.row(["1"]).row(["1", "2", "3"]);
    assert_eq!(table.render_as(None, false).to_string().lines().count(), 4);
}

#[test]
fn progress_counts_from_many_threads() {
    let progress = Progress::new(ProgressStyle::None);
    progress.entity("appointments").expected(1_000).expected_pages(10);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let entity = progress.entity("appointments");
            scope.spawn(move || {
                entity.page(100).staged(40).reconciled(30).errors(1);
            });
        }
    });
    let entity = progress.entity("appointments");
    let text = entity.describe();
    for part in ["8/10 pages", "800/1,000 records", "320 staged", "240 reconciled", "8 in quarantine"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert_eq!(entity.fraction(), Some(0.8));
    entity.restarted();
    assert!(!entity.describe().contains("pages"));
    entity.done();
    assert_eq!(entity.fraction(), Some(1.0));
    assert!(entity.describe().ends_with("done"));
    progress.finish();
    assert_eq!(progress.entity("appointments").describe(), "waiting");
}

#[test]
fn time_left_is_told_while_records_come() {
    let entity = EntityProgress::new();
    entity.expected(1_000_000);
    // There is a rate only after the clock has advanced.
    let begun = std::time::Instant::now();
    while !entity.page(1).describe().contains(" left") {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", entity.describe());
    }
    assert!(!entity.fetched().describe().contains(" left"));
}

#[test]
fn drawing_starts_and_stops_without_harm() {
    for style in [ProgressStyle::Bars, ProgressStyle::Log, ProgressStyle::None] {
        let progress = Progress::new(style);
        for _ in 0..2 {
            progress.entity("users\u{1b}[2J").expected(10).page(10).done();
            let begun = std::time::Instant::now();
            while style == ProgressStyle::Bars && !progress.has_drawn() {
                assert!(begun.elapsed() < Duration::from_secs(10), "nothing is drawn");
                std::thread::yield_now();
            }
            std::io::Write::write_all(&mut progress.log_writer(LogLine::Text), b"").unwrap();
            assert_eq!(progress.suspend(|| 7), 7);
            progress.finish();
            progress.finish();
        }
        // `finish` is forgotten: the thread must end by itself.
        progress.entity("pianos").page(1);
    }
}
