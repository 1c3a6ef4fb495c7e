//! A sentence in both languages. It is written once, in English and in French, so that neither can be forgotten.

use std::borrow::Cow;

use crate::config::Language;

/// A sentence in both languages; `{…}` is replaced by a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sentence {
    en: &'static str,
    fr: &'static str,
}

impl Sentence {
    pub(crate) const fn new(en: &'static str, fr: &'static str) -> Sentence {
        Sentence { en, fr }
    }

    /// The sentence. French gets its no-break spaces here, so that the text in the source shows every space.
    pub(crate) fn say(self, language: Language) -> Cow<'static, str> {
        match language {
            Language::En => Cow::Borrowed(self.en),
            Language::Fr => typeset(self.fr),
        }
    }

    /// The sentence with its facts.
    pub(crate) fn fill(self, language: Language, facts: &[(&str, &str)]) -> String {
        let template = self.say(language);
        let (mut text, mut rest) = (String::new(), template.as_ref());
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            text.push_str(before);
            match facts.iter().find(|(known, _)| *known == name) {
                Some((_, fact)) => text.push_str(fact),
                // A mistake of ours, which a test of the page finds.
                None => text.push('?'),
            }
            rest = after;
        }
        text + rest
    }

    /// The facts of an English text that this sentence was filled to; none for another text. A fact ends where the words that
    /// follow it first come.
    pub(crate) fn facts_of(self, english: &str) -> Option<Vec<(&'static str, &str)>> {
        let (mut facts, mut template) = (Vec::new(), self.en);
        let mut rest = english;
        while let Some((before, after)) = template.split_once('{') {
            let (name, after) = after.split_once('}')?;
            rest = rest.strip_prefix(before)?;
            let words = after.split('{').next().unwrap_or_default();
            let end = if words.is_empty() { rest.len() } else { rest.find(words)? };
            facts.push((name, rest.get(..end).filter(|fact| !fact.is_empty())?));
            rest = rest.get(end..)?;
            template = after;
        }
        (rest == template).then_some(facts)
    }

    /// Both texts as they stand in the source, for tests.
    #[cfg(test)]
    pub(crate) fn both(self) -> [&'static str; 2] {
        [self.en, self.fr]
    }
}

/// A sentence about a number of things; `{n}` is the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CountedSentence {
    pub(crate) one: Sentence,
    pub(crate) many: Sentence,
}

impl CountedSentence {
    /// The form for a number. In French, 0 and 1 are singular; in English, 1 alone is.
    pub(crate) fn of(self, number: i64, language: Language) -> Sentence {
        let is_one = match language {
            Language::En => number == 1,
            Language::Fr => number.abs() < 2,
        };
        if is_one { self.one } else { self.many }
    }
}

/// Québec typography: a no-break space before `:` and `%`, inside « », and none before `; ! ?`.
fn typeset(french: &'static str) -> Cow<'static, str> {
    if ![" :", "« ", " »", " %"].iter().any(|place| french.contains(place)) {
        return Cow::Borrowed(french);
    }
    let spaced = french.replace(" :", "\u{a0}:").replace("« ", "«\u{a0}");
    Cow::Owned(spaced.replace(" »", "\u{a0}»").replace(" %", "\u{a0}%"))
}

/// Declares sentences, each in English and French: `NAME = "…" / "…";`, or for a number of things
/// `NAME = "one" / "un", "{n} many" / "{n} plusieurs";`.
macro_rules! sentences {
    ($( $name:ident = $en:literal / $fr:literal $(, $en_many:literal / $fr_many:literal)?; )*) => {
        $( sentences!(@one $name $en $fr $($en_many $fr_many)?); )*

        /// All of them, for the tests of the texts.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::words::sentence::Sentence)] = &[
            $( (stringify!($name), $crate::words::sentence::Sentence::new($en, $fr)),
               $( (stringify!($name), $crate::words::sentence::Sentence::new($en_many, $fr_many)), )? )*
        ];
    };
    (@one $name:ident $en:literal $fr:literal) => {
        pub(crate) const $name: $crate::words::sentence::Sentence =
            $crate::words::sentence::Sentence::new($en, $fr);
    };
    (@one $name:ident $en:literal $fr:literal $en_many:literal $fr_many:literal) => {
        pub(crate) const $name: $crate::words::sentence::CountedSentence =
            $crate::words::sentence::CountedSentence {
                one: $crate::words::sentence::Sentence::new($en, $fr),
                many: $crate::words::sentence::Sentence::new($en_many, $fr_many),
            };
    };
}
pub(crate) use sentences;

#[cfg(test)]
mod tests {
    use super::*;

    sentences! {
        LAST = "Last run: {at}" / "Dernière exécution : {at}";
        VISITS = "{n} visit" / "{n} visite", "{n} visits" / "{n} visites";
    }

    #[test]
    fn a_sentence_is_filled_in_each_language_with_its_spaces() {
        assert_eq!(LAST.fill(Language::En, &[("at", "14:15")]), "Last run: 14:15");
        assert_eq!(LAST.fill(Language::Fr, &[("at", "14:15")]), "Dernière exécution\u{a0}: 14:15");
        let quoted = Sentence::new("", "« ainsi » : 5 %; non?");
        assert_eq!(quoted.say(Language::Fr), "«\u{a0}ainsi\u{a0}»\u{a0}: 5\u{a0}%; non?");
        assert_eq!(ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["LAST", "VISITS", "VISITS"]);
        // A fact is never read as a place.
        assert_eq!(LAST.fill(Language::En, &[("at", "{at}")]), "Last run: {at}");
    }

    #[test]
    fn french_counts_zero_and_one_as_one_and_english_one_alone() {
        for (number, en, fr) in [(0, "visits", "visite"), (1, "visit", "visite"), (2, "visits", "visites")] {
            assert_eq!(VISITS.of(number, Language::En).say(Language::En), format!("{{n}} {en}"));
            assert_eq!(VISITS.of(number, Language::Fr).say(Language::Fr), format!("{{n}} {fr}"));
        }
    }
}
