//! What is said of changes of appointments, on their screen and on Today.

use super::sentence::sentences;

sentences! {
    NEW = "New" / "Nouveau";
    MOVED = "Moved" / "Déplacé";
    REASSIGNED = "Reassigned" / "Réattribué";
    CANCELLED_ONE = "Cancelled" / "Annulé";
    REINSTATED = "Back" / "Rétabli";
    GONE = "Gone from Gazelle" / "Disparu de Gazelle";
    FROM_TO = "{from} → {to}" / "{from} → {to}";
    DAY_AND_START = "{day}, {hour}" / "{day}, {hour}";
    ALL_DAY = "all day" / "toute la journée";
    SHORT = "less than 24 h before" / "moins de 24 h avant";

    WHAT = "What moved somebody's day, by the day on which it was seen: appointments that are new, moved, reassigned, cancelled, back or gone." / "Ce qui a bougé dans une journée, par jour où cela a été vu : rendez-vous nouveaux, déplacés, réattribués, annulés, rétablis ou disparus.";
    SEEN_ON = "Seen on" / "Vu le";
    KIND = "Change" / "Changement";
    ALL_KINDS = "All kinds" / "Toutes sortes";
    EVERYTHING = "Show everything" / "Tout montrer";
    HOURS = "Hours: {zone}" / "Heures : {zone}";
    NO_CHANGES = "Nothing moved in anybody's day." / "Rien n'a bougé dans les journées.";
    NO_CHANGES_ON = "Nothing moved that was seen on {day}." / "Rien de ce qui a été vu le {day} n'a bougé.";
    NONE_HERE = "Nothing moved in this part of the history." / "Rien n'a bougé dans cette partie de l'historique.";
    NO_MATCH = "Nothing that moved matches this choice." / "Rien de ce qui a bougé ne correspond à ce choix.";
    IN_READER = "Changes in a feed reader" / "Les changements dans un lecteur de flux";
    NEWEST = "Newest" / "Plus récents";
    OLDER = "Older" / "Plus anciens";
}
