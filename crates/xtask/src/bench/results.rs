//! The figures of a run and the table in which they are shown.

/// Most MiB that the process may hold.
pub const MEMORY_LIMIT: f64 = 64.0;

/// Tells a person who waits what is being done.
pub fn say(what: &str) {
    eprintln!("bench: {what}");
}

/// One line of the table.
struct Line {
    what: String,
    value: String,
    target: String,
    holds: Option<bool>,
}

/// What was measured, in order.
#[derive(Default)]
pub struct Results {
    lines: Vec<Line>,
}

impl Results {
    /// A figure without a target.
    pub fn note(&mut self, what: &str, value: String) {
        self.lines.push(Line { what: what.to_owned(), value, target: String::new(), holds: None });
    }

    /// A figure that must not exceed its target.
    pub fn at_most(&mut self, what: &str, value: f64, target: f64, unit: &str) {
        self.judged(what, value, ("<=", target), unit, value <= target);
    }

    /// A figure that must reach its target.
    pub fn at_least(&mut self, what: &str, value: f64, target: f64, unit: &str) {
        self.judged(what, value, (">=", target), unit, value >= target);
    }

    fn judged(&mut self, what: &str, value: f64, (sign, target): (&str, f64), unit: &str, holds: bool) {
        self.lines.push(Line {
            what: what.to_owned(),
            value: format!("{value:.2}{unit}"),
            target: format!("{sign} {target}{unit}"),
            holds: Some(holds),
        });
    }

    /// The table as Markdown.
    pub fn render(&self) -> String {
        let mut text = String::from("| measured | value | target | |\n|---|---|---|---|\n");
        for line in &self.lines {
            let verdict = match line.holds {
                Some(true) => "ok",
                Some(false) => "MISS",
                None => "",
            };
            text.push_str(&format!("| {} | {} | {} | {verdict} |\n", line.what, line.value, line.target));
        }
        text
    }
}

/// The middle value; of an even number the mean of the two in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }
}
