//! Each rule with shapes that it accepts and rejects.

use super::*;
use jiff::civil::{date, time};

fn read(rule: Rule, text: &str) -> Result<Value, String> {
    let json: Json<'_> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    value(rule, &json)
}

#[track_caller]
fn reads(rule: Rule, texts: &[&str], as_this: Value) {
    for text in texts {
        assert_eq!(read(rule, text).as_ref(), Ok(&as_this), "{rule:?} {text}");
    }
}

#[track_caller]
fn refuses(rule: Rule, texts: &[&str]) {
    for text in texts {
        assert!(read(rule, text).is_err(), "{rule:?} {text}: {:?}", read(rule, text));
    }
}

#[test]
fn numbers_come_as_numbers_and_as_text() {
    reads(Rule::Integer, &["7", "7.0", "\"7\"", "\" 7 \"", "\"7.0\"", "\"+7\"", "7e0"], Value::Integer(7));
    reads(Rule::Integer, &["2147483647", "\"2147483647\"", "2147483647.0"], Value::Integer(i32::MAX));
    reads(Rule::Integer, &["-2147483648", "\"-2147483648\""], Value::Integer(i32::MIN));
    reads(Rule::Integer, &["null", "\"\"", "\"  \""], Value::Null);
    refuses(
        Rule::Integer,
        &["2147483648", "-2147483649", "9223372036854775808", "99999999999999999999999999", "3.5", "1e308"],
    );
    refuses(Rule::Integer, &["\"soixante\"", "\"2147483648\"", "\"inf\"", "\"NaN\"", "true", "[]", "{}"]);
    reads(Rule::Float, &["1.5", "\"1.5\"", "\" 1.5 \"", "15e-1"], Value::Float(1.5));
    reads(Rule::Float, &["1e308", "\"1e308\""], Value::Float(1e308));
    refuses(Rule::Float, &["\"1e309\"", "\"inf\"", "\"NaN\"", "\"45,5\"", "true", "[1]", "{}"]);
}

#[test]
fn decimals_come_digit_by_digit_and_in_bounds() {
    let decimal = |text: &str| Value::Decimal(text.to_owned());
    for (text, is) in [
        ("\"12.50\"", "12.50"),
        ("\" -0.10 \"", "-0.10"),
        ("12.5", "12.5"),
        ("7", "7"),
        ("\"123456789012345678901234567890.12\"", "123456789012345678901234567890.12"),
        ("\"1.5e3\"", "1.5e3"),
        ("\".5\"", ".5"),
    ] {
        reads(Rule::Decimal, &[text], decimal(is));
    }
    reads(Rule::Decimal, &["null", "\"\"", "\"  \""], Value::Null);
    refuses(
        Rule::Decimal,
        &["\"12,50\"", "\"$12\"", "\"NaN\"", "\"Infinity\"", "\"1e\"", "\".\"", "\"0x10\"", "\"--1\""],
    );
    refuses(Rule::Decimal, &["1e300", "\"1e101\"", "true", "[1]", "{}"]);
    refuses(Rule::Decimal, &[&format!("\"{}\"", "9".repeat(101))]);
}

#[test]
fn json_is_kept_but_for_what_jsonb_cannot_hold() {
    let json = |text: &str| Value::Jsonb(text.to_owned());
    reads(Rule::Json, &["{\"a\": [1, null, true, \"é\"]}"], json("{\"a\":[1,null,true,\"é\"]}"));
    reads(Rule::Json, &["\"\""], json("\"\""));
    reads(Rule::Json, &["{\"a\\u0000b\": \"c\\u0000d\"}"], json("{\"ab\":\"cd\"}"));
    reads(Rule::Json, &["null"], Value::Null);
    for (number, is) in [
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("0.123456789012345", "0.123456789012345"),
        ("1.50", "1.5"),
    ] {
        reads(Rule::Json, &[number], json(is));
        reads(Rule::Decimal, &[number], Value::Decimal(is.to_owned()));
    }
    let too_long = "20000000000000000001";
    reads(Rule::Json, &[too_long], json("2e+19"));
    reads(Rule::Decimal, &[too_long], Value::Decimal("20000000000000000000".to_owned()));
}

#[test]
fn booleans_come_as_booleans_numbers_and_words() {
    reads(
        Rule::Boolean,
        &["true", "1", "1.0", "\"1\"", "\"TRUE\"", "\" yes\"", "\"t\""],
        Value::Boolean(true),
    );
    reads(
        Rule::Boolean,
        &["false", "0", "-0", "\"0\"", "\"False\"", "\"no\"", "\"off\""],
        Value::Boolean(false),
    );
    reads(Rule::Boolean, &["null", "\"\""], Value::Null);
    refuses(Rule::Boolean, &["2", "-1", "0.5", "\"oui\"", "[]", "{}", "[true]"]);
}

#[test]
fn dates_come_as_dates_and_as_instants() {
    let day = Value::Date(date(2026, 5, 11));
    reads(
        Rule::Date,
        &[
            "\"2026-05-11\"",
            "\" 2026-05-11 \"",
            "\"2026-05-11T00:00:00Z\"",
            "\"2026-05-11T04:00:00.000Z\"",
            "\"2026-05-11T23:30:00-04:00\"",
            "\"2026-05-11 00:00:00\"",
            "\"2026-05-11T00:00\"",
            "1778457600",
            "1778457600000",
        ],
        day,
    );
    reads(Rule::Date, &["\"-004713-11-24\""], Value::Date(date(-4713, 11, 24)));
    reads(Rule::Date, &["\"9999-12-31\"", "\"9999-12-31T23:59:59Z\""], Value::Date(date(9999, 12, 31)));
    reads(Rule::Date, &["\"0001-01-01\""], Value::Date(date(1, 1, 1)));
    reads(Rule::Date, &["\"-004712-01-01\""], Value::Date(date(-4712, 1, 1)));
    reads(Rule::Date, &["null", "\"\""], Value::Null);
    for far in [
        "0000-00-00",
        "5874897-12-31",
        "+294276-12-31",
        "4713-01-01 BC",
        "+5874898-01-01",
        "-004713-11-23",
        "infinity",
        "-infinity",
        "today",
    ] {
        refuses(Rule::Date, &[&format!("\"{far}\"")]);
    }
    refuses(Rule::Date, &["\"2026-02-30\"", "\"0000-00-00T00:00:00Z\"", "20260511", "7", "true", "[]", "{}"]);
}

#[test]
fn instants_come_with_an_offset_as_dates_and_as_seconds_and_never_by_a_guess() {
    let noon = Value::Instant("2026-01-09T12:00:00".parse().unwrap());
    reads(
        Rule::Instant,
        &[
            "\"2026-01-09T12:00:00Z\"",
            "\"2026-01-09T07:00:00-05:00\"",
            "\"2026-01-09 12:00:00+00:00\"",
            "1767960000",
            "1767960000000",
            "\"1767960000\"",
        ],
        noon,
    );
    let midnight = Value::Instant("2026-01-09T00:00:00".parse().unwrap());
    reads(Rule::Instant, &["\"2026-01-09\"", "\"2026-01-09T00:00:00Z\""], midnight);
    reads(Rule::UtcDate, &["\"2026-01-09\"", "1767960000"], Value::Date(date(2026, 1, 9)));
    reads(Rule::UtcTime, &["\"2026-01-09T07:00:00-05:00\"", "1767960000"], Value::Time(time(12, 0, 0, 0)));
    for (far, read) in [
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
        ("9999-12-31T20:00:00-03:30", "9999-12-31T23:30:00"),
        ("9999-12-31", "9999-12-31T00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00"),
        ("-004712-01-01T00:00:00Z", "-004712-01-01T00:00:00"),
        ("-004713-11-25T00:00:00Z", "-004713-11-25T00:00:00"),
    ] {
        reads(Rule::Instant, &[&format!("\"{far}\"")], Value::Instant(read.parse().unwrap()));
    }
    for odd in [
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-05:00",
        "+010000-01-01T00:00:00Z",
        "2026-01-09T12:00:00",
        "0000-00-00",
        "294276-12-31T23:59:59Z",
        "+294277-01-01T00:00:00Z",
        "-004713-11-24T23:59:59Z",
        "-290308-12-21T19:59:06Z",
        "infinity",
        "-infinity",
        "now",
    ] {
        refuses(Rule::Instant, &[&format!("\"{odd}\"")]);
    }
    refuses(Rule::Instant, &["7", "20260109", "1e308", "-1", "99999999999999999999", "false", "[]", "{}"]);
}

#[test]
fn a_list_keeps_its_readable_members() {
    let json: Json<'_> = serde_json::from_str(r#"["a", 7, null, {}, true, ["b"], "c\u0000d"]"#).unwrap();
    let texts = ["a", "7", "true", "cd"].map(str::to_owned).to_vec();
    assert_eq!(text_list(&json), Some((texts, vec![3, 5])));
    assert_eq!(text_list(&Json::Bool(true)), None);
}

#[test]
fn a_shape_tells_the_form_and_nothing_of_the_content() {
    for (text, said) in [
        (r#""0000-00-00""#, "text like `0000-00-00`"),
        (r#""2026-02-30""#, "text like `9999-99-99`"),
        (r#""Mme Tremblay, 514 555-0100""#, "text like `Aaa Aaaaaaaa, 999 999-9999`"),
        (r#""é`\n""#, "text like `a' `"),
        ("-2147483649", "a number like `-9999999999`"),
        ("[1, 2]", "a list of 2"),
        (r#"{"nom": "Tremblay"}"#, "an object of 1 member(s)"),
        ("true", "a boolean"),
    ] {
        let json: Json<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(shape(&json), said);
    }
    let long = Json::Str("x".repeat(5_000).into());
    assert!(shape(&long).chars().count() < 60, "{}", shape(&long));
}
