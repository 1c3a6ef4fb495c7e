//! Formats numbers for people.

use std::time::Duration;

/// With thousands separators: `11,460`.
pub fn count(number: impl TryInto<i128>) -> String {
    // Only a `u128` above `i128::MAX` does not fit.
    let number = number.try_into().unwrap_or(i128::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        grouped.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `240 ms`, `4.2 s`, `1 min 05 s`, `2 h 03 min`, `1 d 04 h`. Rounds before it chooses the unit, so that "60 s"
/// never appears.
pub fn duration(time: Duration) -> String {
    let micros = time.as_micros();
    if micros < 1_000 {
        return if micros == 0 { "0 ms".to_owned() } else { "< 1 ms".to_owned() };
    }
    let millis = (micros + 500) / 1_000;
    if millis < 1_000 {
        return format!("{millis} ms");
    }
    let tenths = (millis + 50) / 100;
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = (millis + 500) / 1_000;
    if seconds < 3_600 {
        return format!("{} min {:02} s", seconds / 60, seconds % 60);
    }
    let minutes = (seconds + 30) / 60;
    if minutes < 24 * 60 {
        return format!("{} h {:02} min", minutes / 60, minutes % 60);
    }
    let hours = (minutes + 30) / 60;
    format!("{} d {:02} h", hours / 24, hours % 24)
}

/// A rate per second: `4,120/s`, `0.4/s`; `–` if no time has passed.
pub fn rate(number: u64, time: Duration) -> String {
    let per_second = number as f64 / time.as_secs_f64();
    if !per_second.is_finite() {
        return "–".to_owned();
    }
    match per_second {
        small if small > 0.0 && small < 9.95 => format!("{small:.1}/s"),
        large => format!("{}/s", count(large.round() as u64)),
    }
}

/// A size in binary units: `1.4 MiB`.
pub fn bytes(number: u64) -> String {
    let mut size = number as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1023.95 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{number} B") } else { format!("{size:.1} {unit}") }
}

/// A percentage: `12.5 %`; `–` if the whole is zero.
pub fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}
