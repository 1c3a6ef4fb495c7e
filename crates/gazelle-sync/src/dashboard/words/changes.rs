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

    WHAT = "Appointments that were added, moved, reassigned, cancelled, reinstated or deleted, by the day on which the change was received." / "Rendez-vous ajoutés, déplacés, réattribués, annulés, rétablis ou supprimés, par jour de réception du changement.";
    SEEN_ON = "Seen on" / "Vu le";
    KIND = "Change" / "Changement";
    ALL_KINDS = "All kinds" / "Toutes sortes";
    EVERYTHING = "Show everything" / "Tout montrer";
    HOURS = "Hours: {zone}" / "Heures : {zone}";
    NO_CHANGES = "No appointment changed." / "Aucun rendez-vous n'a changé.";
    NO_CHANGES_ON = "No change was received on {day}." / "Aucun changement n'a été reçu le {day}.";
    NONE_HERE = "Nothing moved in this part of the history." / "Rien n'a bougé dans cette partie de l'historique.";
    NO_MATCH = "Nothing that moved matches this choice." / "Rien de ce qui a bougé ne correspond à ce choix.";
    IN_READER = "Changes in a feed reader" / "Les changements dans un lecteur de flux";
    NEWEST = "Newest" / "Plus récents";
    OLDER = "Older" / "Plus anciens";
}
