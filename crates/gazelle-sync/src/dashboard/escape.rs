//! The escaper of all templates (`askama.toml`): a value cannot close its element, and control characters are made visible.

use std::fmt;

use askama::filters::{Escaper, Html};

use crate::display::Line;

/// Escapes HTML, and replaces control characters, direction overrides and invisible characters by visible symbols,
/// as everything that is shown in a terminal is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Harmless;

impl Escaper for Harmless {
    fn write_escaped_str<W: fmt::Write>(&self, dest: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(dest, Line::from(text).as_str())
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use crate::display;

    #[derive(Template)]
    #[template(source = "<p title=\"{{ text }}\">{{ text }}</p>", ext = "html")]
    struct Shown<'t> {
        text: &'t str,
    }

    fn shown(text: &str) -> String {
        Shown { text }.render().unwrap()
    }

    #[test]
    fn a_value_cannot_leave_its_element_or_attribute() {
        assert_eq!(
            shown("</p><script>alert('x')</script>\" onclick=\"y"),
            "<p title=\"&#60;/p&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34; onclick=&#34;y\">\
             &#60;/p&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34; onclick=&#34;y</p>"
        );
        assert_eq!(shown("Ana\u{202e}xela\0"), "<p title=\"Ana\\u{202e}xela␀\">Ana\\u{202e}xela␀</p>");
        assert_eq!(
            shown("Loïc · 5 412\u{a0}338"),
            "<p title=\"Loïc · 5 412\u{a0}338\">Loïc · 5 412\u{a0}338</p>"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_record_says_the_page_has_the_same_elements(text in any::<String>()) {
            let html = shown(&text);
            prop_assert_eq!(html.matches('<').count(), 2);
            prop_assert_eq!(html.matches('>').count(), 2);
            prop_assert_eq!(html.matches('"').count(), 2);
            prop_assert!(!html.chars().any(display::acts));
        }
    }
}
