//! The sentences of Settings.

use super::sentence::sentences;

sentences! {
    HOW = "What this service works with. Nothing is changed here: settings come from flags, the environment and the settings file, and are read when the service starts." / "Ce avec quoi ce service fonctionne. Rien ne se change ici : les réglages viennent des options, de l'environnement et du fichier de réglages, et sont lus au démarrage du service.";
    SINCE = "In force since {at}, when the service started." / "En vigueur depuis {at}, au démarrage du service.";
    TO_DOCTOR = "Examine the installation" / "Examiner l'installation";

    SCHEDULE = "Schedule" / "Horaire";
    ZONE = "hours of {zone}" / "heures de {zone}";
    MONTREAL = "Montréal" / "Montréal";
    SUMMARY = "{changes}; everything {all} ({zone})" / "{changes}; tout {all} ({zone})";
    NEXT_CHANGES = "Next syncs" / "Prochaines synchronisations";
    NEXT_ALL = "Next full syncs" / "Prochaines synchronisations complètes";
    EVERY_MINUTE = "every minute" / "toutes les minutes";
    EVERY_MINUTES = "every {n} minutes" / "toutes les {n} minutes";
    EVERY_HOUR = "every hour at {minute} past" / "toutes les heures à la minute {minute}";
    EVERY_HOURS = "every {n} hours" / "toutes les {n} heures";
    EVERY_DAY = "every day at {hour}" / "chaque jour à {hour}";
    EVERY_WEEK = "every {day} at {hour}" / "chaque {day} à {hour}";
    BY_EXPRESSION = "by `{text}`" / "selon `{text}`";

    CHANNELS = "Alerts" / "Alertes";
    NO_CHANNEL = "Nobody is notified of problems: no channel is configured." / "Personne n'est averti des problèmes : aucun canal n'est configuré.";
    SENT = "last message sent {at}, {ago}" / "dernier message envoyé le {at}, {ago}";
    NEVER_SENT = "no message sent yet" / "aucun message envoyé jusqu'ici";
    WAIT = "{n} message waits" / "{n} message attend", "{n} messages wait" / "{n} messages attendent";
    GIVEN_UP = "{n} message was given up" / "{n} message a été abandonné", "{n} messages were given up" / "{n} messages ont été abandonnés";
    DELIVERS = "Delivers" / "Livre";
    UNUSED = "Not used yet" / "Pas encore utilisé";
    DELIVERS_NOT = "Does not deliver" / "Ne livre pas";
    HEARTBEAT = "Heartbeat" / "Signal de vie";
    HEARTBEAT_SET = "a service elsewhere is called after each good run" / "un service ailleurs est appelé après chaque bonne exécution";
    HEARTBEAT_NOT_SET = "nobody notices when this machine is gone altogether" / "personne ne remarque si cette machine disparaît";

    ALL_SETTINGS = "All settings" / "Tous les réglages";
    SETTING = "Setting" / "Réglage";
    VALUE = "Value" / "Valeur";
    FROM = "From" / "Provient de";
    MEANING = "What it does" / "Ce qu'il fait";
    SET = "set" / "réglé";
    NOT_SET = "not set" / "non réglé";
    FROM_DEFAULT = "default" / "valeur par défaut";
    FROM_ENVIRONMENT = "environment" / "environnement";
    FROM_FLAG = "flag {name}" / "option {name}";
}
