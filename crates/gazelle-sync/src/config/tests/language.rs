use super::super::language::LOCALE;
use super::case;
use crate::config::Language;

#[test]
fn auto_is_the_language_of_the_first_variable_of_the_locale_that_is_set() {
    // The setting, LC_ALL, LC_MESSAGES, LANG.
    for (setting, locale, expected) in [
        ("auto", ["", "", ""], Language::En),
        ("auto", ["", "", "fr_CA.UTF-8"], Language::Fr),
        ("auto", ["", "", "fr"], Language::Fr),
        ("auto", ["", "", "FR-ca"], Language::Fr),
        ("auto", ["", "", "fr@euro"], Language::Fr),
        ("auto", ["", "", "C.UTF-8"], Language::En),
        ("auto", ["", "", "POSIX"], Language::En),
        // Frisian and Furlan are not French.
        ("auto", ["", "", "frr_DE"], Language::En),
        ("auto", ["", "", "fur_IT"], Language::En),
        ("auto", ["C", "fr_CA", "fr_CA"], Language::En),
        ("auto", ["fr_FR", "C", "C"], Language::Fr),
        ("auto", [" ", "fr_CA", "en_CA"], Language::Fr),
        ("auto", ["", "en_CA", "fr_CA"], Language::En),
        ("", ["", "", "fr_CA"], Language::Fr),
        ("AUTO", ["", "", "fr_CA"], Language::Fr),
        ("fr", ["C", "C", "C"], Language::Fr),
        ("en", ["fr_CA", "fr_CA", "fr_CA"], Language::En),
    ] {
        let mut case = case().env("GAZELLE_SYNC_LANGUAGE", setting);
        for (name, value) in LOCALE.into_iter().zip(locale) {
            case = case.env(name, value);
        }
        assert_eq!(case.good().language, expected, "{setting:?} with {locale:?}");
    }
}
