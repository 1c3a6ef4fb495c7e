//! Summarizes SQL statements for messages.

/// What a statement does, in whole words: which table it writes or reads, or its first words up to the name of the
/// object. Omitted words are shown as `…`.
pub(in crate::db) fn headline(sql: &str) -> String {
    let lines: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let text = lines.join(" ").replace("{schema}.", "");
    let words: Vec<&str> = text.trim_start().trim_start_matches('(').split_whitespace().collect();
    let Some(first) = words.first().map(|word| word.to_ascii_uppercase()) else { return String::new() };
    let of_its_own = match first.as_str() {
        "INSERT" | "DELETE" => words.get(..3),
        "UPDATE" => words.get(..2),
        "WITH" => written(&words),
        _ => None,
    };
    match of_its_own {
        Some([verb @ .., table]) => {
            let table = table.split('(').next().unwrap_or_default().trim_end_matches([',', ')', ';']);
            format!("{} {table}", verb.join(" ").trim_start_matches('('))
        }
        _ if first == "SELECT" => selected(&words),
        _ => leading_keywords(&words),
    }
}

/// Whether a statement writes rows, or ends a transaction that may have written some.
pub(in crate::db) fn writes_rows(sql: &str) -> bool {
    let told = headline(sql);
    ["INSERT INTO ", "DELETE FROM ", "UPDATE ", "COMMIT", "SET CONSTRAINTS "]
        .iter()
        .any(|begun| told.starts_with(begun))
}

/// `SELECT … FROM table`; short lists of columns are kept.
fn selected(words: &[&str]) -> String {
    let mut depth = 0_usize;
    let mut in_subselect = false;
    let mut from = None;
    for (at, word) in words.iter().enumerate() {
        // Skip the FROM of IS DISTINCT FROM, and one inside a function's arguments.
        let is_from = word.eq_ignore_ascii_case("FROM") && !words[at - 1].eq_ignore_ascii_case("DISTINCT");
        if is_from && (depth == 0 || in_subselect) {
            from = words.get(at + 1).map(|table| (at, *table));
            in_subselect = from.is_some_and(|(_, table)| table.starts_with('('));
            if !in_subselect {
                break;
            }
        }
        depth = (depth + word.matches('(').count()).saturating_sub(word.matches(')').count());
    }
    match from {
        Some((at, table)) => {
            let columns = if at <= 3 { words[1..at].join(" ") } else { "…".to_owned() };
            let table = table.split('(').next().unwrap_or_default().trim_end_matches([',', ')', ';']);
            format!("SELECT {columns} FROM {table}")
        }
        None if words.len() <= 2 => words.join(" "),
        None => "SELECT …".to_owned(),
    }
}

/// The first word, the keywords after it and the name that follows them.
fn leading_keywords(words: &[&str]) -> String {
    let is_keyword = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_uppercase());
    let keywords = 1 + words[1..].iter().take_while(is_keyword).count();
    let named = words.get(keywords).map(|word| word.trim_end_matches(';'));
    let is_name = |word: &&str| word.chars().all(|c| c.is_alphanumeric() || "_.\"".contains(c));
    let name = named.filter(is_name);
    let mut told = words[..keywords].to_vec();
    told.extend(name);
    if told.len() < words.len() {
        told.push("…");
    }
    told.join(" ")
}

/// `INSERT INTO table`, `DELETE FROM table` or `UPDATE table` if the statement writes; the last of several, since
/// earlier ones belong to its CTEs.
fn written<'w>(words: &'w [&'w str]) -> Option<&'w [&'w str]> {
    let is = |at: usize, word: &str| words.get(at).is_some_and(|w| w.eq_ignore_ascii_case(word));
    (0..words.len()).rev().find_map(|at| {
        let verb = words[at].trim_start_matches('(');
        let length = match verb.to_ascii_uppercase().as_str() {
            "INSERT" if is(at + 1, "INTO") => 3,
            "DELETE" if is(at + 1, "FROM") => 3,
            // Skip the UPDATE of ON CONFLICT DO UPDATE SET and that of SELECT … FOR UPDATE.
            "UPDATE" if at > 0 && !is(at - 1, "DO") && !is(at - 1, "FOR") && !is(at - 1, "KEY") => 2,
            _ => return None,
        };
        words.get(at..at + length)
    })
}
