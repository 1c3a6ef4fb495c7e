//! "Did you mean": the known name most similar to a mistyped one.

/// The known name most similar to `typed`; `None` if none is similar enough.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|name| (similarity(&typed, &name.to_lowercase().replace('-', "_")), name))
        .filter(|(similarity, _)| *similarity >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// From 0 to 1. A prefix counts as much as a typing mistake: `page` suggests `page_size`.
fn similarity(typed: &str, name: &str) -> f64 {
    let mistyped = strsim::normalized_damerau_levenshtein(typed, name);
    let shortened = if typed.len() >= 3 && name.starts_with(typed) { 0.8 } else { 0.0 };
    f64::max(strsim::jaro_winkler(typed, name) * 0.9, f64::max(mistyped, shortened))
}

/// `; did you mean `x`?`, or an empty text.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
