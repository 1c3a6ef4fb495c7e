//! The sentences of Today.

use super::sentence::sentences;

sentences! {
    PREVIOUS = "Day before" / "Jour précédent";
    NEXT = "Day after" / "Jour suivant";
    BACK_TO_TODAY = "Back to today" / "Revenir à aujourd'hui";
    TECHNICIAN = "Technician" / "Technicien";
    EVERYBODY = "Everybody" / "Tous";
    DAY = "Day" / "Jour";
    SHOW = "Show" / "Montrer";
    AS_OF = "As of {at} ({ago})" / "À jour {at} ({ago})";
    NEVER_READ = "Appointments were never read completely" / "Les rendez-vous n'ont jamais été lus en entier";
    STALE = "This may be out of date: the last complete read of appointments was {ago}, and the limit is {limit} min." / "Ceci peut ne plus être à jour : la dernière lecture complète des rendez-vous date d'{ago}, et la limite est de {limit} min.";
    STALE_NEVER = "This may be incomplete: appointments were never read completely." / "Ceci peut être incomplet : les rendez-vous n'ont jamais été lus en entier.";
    ZONE = "Montréal time ({zone})" / "Heure de Montréal ({zone})";

    VISITS = "{n} visit" / "{n} visite", "{n} visits" / "{n} visites";
    NO_VISIT = "No visit on {day}" / "Aucune visite le {day}";
    NO_VISIT_OF = "No visit of {technician} on {day}" / "Aucune visite de {technician} le {day}";
    SHOW_EVERYBODY = "Show everybody's day" / "Montrer la journée de tous";
    ALL_DAY = "All day" / "Toute la journée";
    UNTIL = "until {day}" / "jusqu'au {day}";
    SINCE = "since {day}" / "depuis le {day}";
    CANCELLED = "{n} cancelled" / "{n} annulée", "{n} cancelled" / "{n} annulées";
    NO_SHOW = "Client absent" / "Client absent";
    COMPLETE = "Done" / "Fait";
    CONFIRMED = "Confirmed by the client" / "Confirmé par le client";
    OVERLAPS = "Overlaps the next one" / "Chevauche la suivante";
    NO_ADDRESS = "No address" / "Pas d'adresse";
    NO_CLIENT = "No client" / "Pas de client";
    UNTITLED = "Without a title" / "Sans titre";
    NOBODY = "Nobody" / "Personne";
    MAP = "Map:" / "Carte :";
    CALL = "Call:" / "Appeler :";
    SERIAL = "no. {number}" / "no {number}";
    DAMPP_CHASER = "Dampp-Chaser" / "Dampp-Chaser";
    PIANO = "Piano" / "Piano";
    MORE_PIANOS = "and {n} more piano" / "et {n} autre piano", "and {n} more pianos" / "et {n} autres pianos";
    NOTES = "Notes" / "Notes";
    PERSONAL = "Personal" / "Personnel";
    MEMO = "Memo" / "Mémo";
    SYNCED = "From another calendar" / "D'un autre agenda";

    CHANGES = "Since yesterday 18:00" / "Depuis hier 18:00";
    NO_CHANGES = "Nothing on this day has changed since then." / "Rien n'a changé à cette journée depuis.";
    IN_CALENDAR = "In a calendar" / "Dans un agenda";
    ALL_CHANGES = "All changes" / "Tous les changements";
}
