//! How texts are compared in a search: without case and accents, telephone numbers by their digits. What is folded here
//! and what `folded.sql` folds in the database is the same, whatever collation the database has. Pure.

/// Letters with accents, and their plain letters at the same place. What is combined with the letter before it is left
/// out: it has no counterpart.
pub(super) const ACCENTED: &str = "ÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖØòóôõöøÙÚÛÜùúûüÝŸýÿŒÆ’\u{a0}\u{300}\u{301}\u{302}\u{303}\u{308}\u{327}";
/// The plain letters.
pub(super) const PLAIN: &str = "AAAAAAaaaaaaCcEEEEeeeeIIIIiiiiNnOOOOOOooooooUUUUuuuuYYyyœæ' ";

/// The most words of a question.
const MOST_WORDS: usize = 8;
/// The most characters of a question.
pub(super) const LONGEST: usize = 100;

/// What stands for a letter: nothing for what is combined with the one before.
fn plain(letter: char) -> Option<char> {
    match ACCENTED.chars().position(|accented| accented == letter) {
        Some(place) => PLAIN.chars().nth(place),
        None => Some(letter),
    }
}

/// A letter, folded.
fn folded_letter(letter: char) -> String {
    match plain(letter) {
        None => String::new(),
        Some('œ') => "oe".to_owned(),
        Some('æ') => "ae".to_owned(),
        Some(plain) => plain.to_ascii_lowercase().to_string(),
    }
}

/// A text, folded.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(folded_letter).collect()
}

/// The words of a question, folded.
pub(super) fn words(question: &str) -> Vec<String> {
    let question: String = question.chars().take(LONGEST).collect();
    folded(&question).split_whitespace().take(MOST_WORDS).map(str::to_owned).collect()
}

/// Patterns of LIKE for texts that hold these words.
pub(super) fn patterns(words: &[String]) -> Vec<String> {
    let escaped = |word: &str| word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    words.iter().map(|word| format!("%{}%", escaped(word))).collect()
}

/// Patterns of LIKE that a text with these words matches before it is folded, once its ASCII letters are in lower case: the letters of
/// a word that stand for themselves, in their order. Other texts may match too.
pub(super) fn rough(words: &[String]) -> Vec<String> {
    let stands_for_others = |letter: &char| PLAIN.chars().any(|plain| plain.eq_ignore_ascii_case(letter));
    let pattern = |word: &String| {
        let letters = word.chars().filter(|letter| !stands_for_others(letter));
        let letters = letters.map(|letter| match letter {
            '%' | '_' | '\\' => format!("\\{letter}%"),
            _ => format!("{letter}%"),
        });
        format!("%{}", letters.collect::<String>())
    };
    words.iter().map(pattern).collect()
}

/// The digits of a question that may be a telephone number: at least four, and nothing but digits and what stands between
/// them. The 1 of North America is left out, since most numbers are kept without it.
pub(super) fn digits(question: &str) -> Option<String> {
    let is_phone = question.chars().all(|letter| letter.is_ascii_digit() || " .-+()/\u{a0}".contains(letter));
    let digits: String = question.chars().filter(char::is_ascii_digit).collect();
    let bare = match digits.strip_prefix('1') {
        Some(rest) if digits.len() == 11 => rest.to_owned(),
        _ => digits,
    };
    (is_phone && bare.len() >= 4).then_some(bare)
}

/// A piece of a text, and whether it is what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) is_match: bool,
}

/// A text in pieces: those that the words or the digits match, and those between.
pub(super) fn pieces(text: &str, words: &[String], digits: Option<&str>) -> Vec<Piece> {
    let letters: Vec<char> = text.chars().collect();
    let mut matched = vec![false; letters.len()];
    let folded = letters.iter().enumerate().flat_map(|(at, letter)| {
        folded_letter(*letter).into_bytes().into_iter().map(move |byte| (byte, at)).collect::<Vec<_>>()
    });
    mark(&folded.collect::<Vec<_>>(), words.iter().map(String::as_str), &mut matched);
    let numbers = letters.iter().enumerate().filter(|(_, letter)| letter.is_ascii_digit());
    let numbers: Vec<(u8, usize)> = numbers.map(|(at, letter)| (*letter as u8, at)).collect();
    mark(&numbers, digits.into_iter(), &mut matched);
    let mut pieces: Vec<Piece> = Vec::new();
    for (letter, is_match) in letters.into_iter().zip(matched) {
        match pieces.last_mut() {
            Some(piece) if piece.is_match == is_match => piece.text.push(letter),
            _ => pieces.push(Piece { text: letter.to_string(), is_match }),
        }
    }
    pieces
}

/// Marks the letters from the first to the last of each place where one of the words stands.
fn mark<'w>(folded: &[(u8, usize)], words: impl Iterator<Item = &'w str>, matched: &mut [bool]) {
    for word in words.filter(|word| !word.is_empty()) {
        let word = word.as_bytes();
        for start in 0..(folded.len() + 1).saturating_sub(word.len()) {
            let place = &folded[start..start + word.len()];
            if place.iter().map(|(byte, _)| *byte).eq(word.iter().copied()) {
                let (first, last) = (place[0].1, place[place.len() - 1].1);
                matched[first..=last].fill(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_accents_are_folded() {
        for (text, plain) in [
            ("Érables", "erables"),
            ("ÇA et là, Noël", "ca et la, noel"),
            ("cœur Œuvre", "coeur oeuvre"),
            ("L’Île", "l'ile"),
            ("e\u{301}te\u{301}", "ete"),
            ("a\u{a0}b", "a b"),
            ("5 412 338", "5 412 338"),
            ("日本", "日本"),
        ] {
            assert_eq!(folded(text), plain);
        }
        let combined = ACCENTED.chars().count() - PLAIN.chars().count();
        assert_eq!(combined, 6, "what is combined stands last");
    }

    #[test]
    fn a_question_is_its_words_and_no_pattern_of_its_own() {
        assert_eq!(words("  Loïc   TABLEDHARMONIE "), ["loic", "tabledharmonie"]);
        assert_eq!(words("a b c d e f g h i j").len(), MOST_WORDS);
        assert_eq!(words(&"x".repeat(1_000))[0].len(), LONGEST);
        assert_eq!(patterns(&words("50%_\\")), ["%50\\%\\_\\\\%"]);
    }

    /// Whether a text matches a pattern of LIKE that begins with `%` and has one after each letter.
    fn is_like(text: &str, pattern: &str) -> bool {
        let mut text = text.chars();
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            let letter = match letter {
                '%' => continue,
                '\\' => letters.next().unwrap(),
                letter => letter,
            };
            if !text.any(|one| one.to_ascii_lowercase() == letter) {
                return false;
            }
        }
        true
    }

    proptest! {
        #[test]
        fn a_text_that_holds_the_words_matches_the_rough_patterns(
            text in "[a-zA-Z%_' éÉœŒæçÇÿ’\u{a0}\u{301}\u{327}日0-9\\\\-]{0,24}",
            (from, to) in (0_usize..24, 1_usize..8),
        ) {
            let folded = folded(&text);
            let word: String = folded.chars().skip(from).take(to).collect();
            for (word, rough) in words(&word).iter().zip(rough(&words(&word))) {
                prop_assert!(folded.contains(word.as_str()));
                prop_assert!(is_like(&text, &rough), "{text:?} {word:?} {rough:?}");
            }
        }
    }

    #[test]
    fn letters_that_stand_for_themselves_are_looked_for_first() {
        assert_eq!(rough(&words("Tremblay Érables 50%")), ["%t%r%m%b%l%", "%r%b%l%s%", "%5%0%\\%%"]);
    }

    #[test]
    fn a_telephone_number_is_its_digits() {
        for (question, found) in [
            ("514.555.0142", Some("5145550142")),
            ("+1 (514) 555-0142", Some("5145550142")),
            ("0142", Some("0142")),
            ("014", None),
            ("12 rue 0142", None),
            ("", None),
            ("1514555014", Some("1514555014")),
        ] {
            assert_eq!(digits(question).as_deref(), found, "{question}");
        }
    }

    #[test]
    fn what_matches_is_a_piece_of_its_own() {
        let shown = |text: &str, question: &str| {
            let pieces = pieces(text, &words(question), digits(question).as_deref());
            pieces
                .iter()
                .map(|one| if one.is_match { format!("[{}]", one.text) } else { one.text.clone() })
                .collect::<String>()
        };
        assert_eq!(shown("12, rue des Érables", "erables"), "12, rue des [Érables]");
        assert_eq!(shown("Cœur de la Cœurerie", "coeur"), "[Cœur] de la [Cœur]erie");
        assert_eq!(shown("514 555-0142", "514.555.0142"), "[514 555-0142]");
        assert_eq!(shown("Ana Bolduc", "bol ana"), "[Ana] [Bol]duc");
        assert_eq!(shown("aaa", "aa"), "[aaa]");
        assert_eq!(shown("", "a"), "");
        assert_eq!(shown("<mark>", "mark"), "<[mark]>");
    }
}
