//! Licence expressions as crates write them (SPDX, and the older `MIT/Apache-2.0`).

use anyhow::{Result, bail};

/// Whether an expression can be met by these licences alone: each side of an AND, one side of an OR.
///
/// # Errors
/// What is no expression.
pub(super) fn is_allowed(expression: &str, allowed: &[&str]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let outcome = either(&mut words, allowed);
    match (outcome, words.is_empty()) {
        (Some(outcome), true) => Ok(outcome),
        _ => bail!("`{expression}` is no licence expression"),
    }
}

/// AND binds closer than OR. Words are taken from the end of the list.
fn either(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let mut outcome = both(words, allowed)?;
    while words.last() == Some(&"OR") {
        words.pop();
        outcome |= both(words, allowed)?;
    }
    Some(outcome)
}

fn both(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let mut outcome = one(words, allowed)?;
    while words.last() == Some(&"AND") {
        words.pop();
        outcome &= one(words, allowed)?;
    }
    Some(outcome)
}

fn one(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let word = words.pop()?;
    if word == "(" {
        let outcome = either(words, allowed)?;
        return (words.pop() == Some(")")).then_some(outcome);
    }
    if matches!(word, "AND" | "OR" | "WITH" | ")") {
        return None;
    }
    if words.last() != Some(&"WITH") {
        return Some(allowed.contains(&word));
    }
    words.pop();
    let with = format!("{word} WITH {}", words.pop()?);
    Some(allowed.contains(&with.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [&str; 3] = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];

    #[test]
    fn one_way_through_an_expression_is_enough() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND (GPL-3.0-only OR Apache-2.0)", true),
            ("(MIT OR Apache-2.0) AND GPL-3.0-only", false),
            // AND first, whatever comes before it.
            ("MIT OR GPL-3.0-only AND GPL-2.0-only", true),
            ("GPL-2.0-only AND MIT OR Apache-2.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("GPL-2.0-only WITH Classpath-exception-2.0 OR MIT", true),
        ] {
            assert_eq!(is_allowed(expression, &ALLOWED).unwrap(), expected, "{expression}");
        }
        for wrong in ["", "MIT AND", "OR MIT", "(MIT", "MIT)", "MIT MIT", "MIT WITH", "AND"] {
            assert!(is_allowed(wrong, &ALLOWED).is_err(), "{wrong:?}");
        }
    }
}
