//! The sentences of the report of a run, of the first line of reports, and of what follows a first run.

use crate::words::sentence::sentences;

sentences! {
    DATABASE = "database: {place}" / "base de données : {place}";
    PLACE = "{place}, schema {schema} ({source})" / "{place}, schéma {schema} ({source})";
    EMBEDDED = "embedded in {folder}" / "intégrée dans {folder}";
    NO_HOST = "an unnamed host" / "un hôte sans nom";
    URL_NOT_SET = "DATABASE_URL is not set" / "DATABASE_URL n'est pas définie";
    NOT_OF_URL = "not that of DATABASE_URL" / "pas celle de DATABASE_URL";

    ENTITY = "entity" / "entité";
    WALK = "walk" / "parcours";
    FETCHED = "fetched" / "lus";
    STAGED = "staged" / "ajoutés";
    UNCHANGED = "unchanged" / "inchangés";
    APPLIED = "applied" / "écrits";
    ERRORS = "errors" / "erreurs";
    DELETED = "deleted" / "supprimés";
    HELD = "held" / "gardés";
    WHOLE = "whole" / "entier";
    FROM = "from {from}" / "depuis le {from}";
    UNTIL = "until {until}" / "jusqu'au {until}";
    BETWEEN = "{from} to {until}" / "du {from} au {until}";
    WALK_INCOMPLETE = "{walk}, incomplete" / "{walk}, incomplet";

    SUCCESS = "success" / "réussie";
    PARTIAL = "PARTIAL" / "PARTIELLE";
    INTERRUPTED = "INTERRUPTED" / "INTERROMPUE";
    FAILED = "FAILED" / "ÉCHOUÉE";
    VERDICT = "{status} in {took} ({rate}) · run {run}" / "exécution {status} en {took} ({rate}) · {run}";
    WARNING = "warning: {said}" / "avertissement : {said}";
    MORE_WARNINGS = "and {n} warnings more: `gazelle-sync warnings` lists them" / "et {n} autres avertissements : `gazelle-sync warnings` les liste";
    SEE_ERRORS = "see `gazelle-sync errors` for the records in quarantine" / "les enregistrements en quarantaine : `gazelle-sync errors`";

    WHERE = "Where the data is, and how to look further" / "Où sont les données, et comment regarder plus loin";
    IN_DATABASE = "database" / "base";
    QUERY_IT = "query it" / "interroger";
    A_DAY = "a day" / "une journée";
    CONTENTS = "contents" / "contenu";
    IS_IT_RIGHT = "is it right" / "est-ce juste";
    WHAT_CHANGED = "what changed" / "changements";
    BY_SCHEDULE = "by schedule" / "à l'horaire";
}
