//! The sentences that a locale says itself: times, and labels.

use super::sentence::sentences;

sentences! {
    NEVER = "never" / "jamais";
    JUST_NOW = "just now" / "à l'instant";
    AGO = "{age} ago" / "il y a {age}";
    DAY_AND_HOUR = "{day}, {hour}" / "{day} à {hour}";
    AT_HOUR = "at {hour}" / "à {hour}";
    AT_DAY = "on {day} at {hour}" / "le {day} à {hour}";
    SINCE_HOUR = "{hour}" / "{hour}";
    SINCE_DAY = "{day} at {hour}" / "le {day} à {hour}";
    OF_HOUR = "{hour}" / "de {hour}";
    OF_DAY = "{day} at {hour}" / "du {day} à {hour}";
    AS_OF_HOUR = "{hour}" / "à {hour}";
    AS_OF_DAY = "{day} at {hour}" / "le {day} à {hour}";
    LABELLED = "{what}:" / "{what} :";
}
