//! The sentences of a record, and of values wherever they are shown.

use super::sentence::sentences;

sentences! {
    LEFT_OUT = "{bytes} more are not shown here" / "{bytes} de plus ne sont pas montrés ici";
    LINES_LEFT_OUT = "{n} line is not shown here" / "{n} ligne n'est pas montrée ici",
        "{n} lines are not shown here" / "{n} lignes ne sont pas montrées ici";
    MORE_FIELDS = "{n} more field differs" / "{n} autre champ diffère", "{n} more fields differ" / "{n} autres champs diffèrent";
    ADDED = "added" / "ajouté";
    REMOVED = "removed" / "retiré";
    REORDERED = "reordered" / "dans un autre ordre";
    EMPTY_VALUE = "empty" / "vide";
    UNTITLED = "Without a title" / "Sans titre";

    NO_RECORD = "No record with the id {id} was ever received" / "Aucune fiche {id} n'a jamais été reçue";
    NO_RECORD_MORE = "Neither production nor staging holds a record with this id. It may have been mistyped, or belong to another kind of record." / "Ni la production ni le staging n'ont de fiche avec cet identifiant. Il est peut-être mal écrit, ou celui d'une autre sorte de fiche.";
    TO_SEARCH = "Search for it" / "La chercher";
    CHANGED_BY = "Changed {at}, by the {run}" / "Modifiée le {at}, par l'{run}";
    RUN_OF = "run of {at}" / "exécution du {at}";
    IN_PRODUCTION = "In production" / "En production";
    DELETED_SINCE = "Deleted since {at}" / "Supprimée depuis le {at}";
    NOT_IN_PRODUCTION = "Not in production" / "Pas en production";
    IN_QUARANTINE = "In quarantine" / "En quarantaine";
    NO_ROW = "Production has no row of this record." / "La production n'a aucune ligne de cette fiche.";

    PRODUCTION = "Production" / "Production";
    PRODUCTION_HOW = "Follow a value to see where it comes from." / "Suivez une valeur pour voir d'où elle vient.";
    COLUMN = "Column" / "Colonne";
    VALUE = "Value" / "Valeur";
    EMPTY_COLUMNS = "{n} empty column" / "{n} colonne vide", "{n} empty columns" / "{n} colonnes vides";
    NOT_OURS = "your own column" / "votre propre colonne";
    UTC = "UTC" / "UTC";
    FED = "fed by the marked field" / "alimentée par le champ marqué";
    OPEN = "Open {name}" / "Ouvrir {name}";
    ROWS = "{n} row" / "{n} ligne", "{n} rows" / "{n} lignes";
    FIRST_ROWS = "The first {n} are shown." / "Les {n} premières sont montrées.";
    ROW_DELETED = "deleted" / "supprimée";

    RAW = "Raw record" / "Fiche brute";
    RAW_VERSION = "Raw record, version {number} of {held}" / "Fiche brute, version {number} de {held}";
    ORDERED = "Postgres has ordered the fields." / "Postgres a ordonné les champs.";
    AS_RECEIVED = "The bytes as received, because Postgres cannot hold them exactly." / "Les octets tels que reçus, car Postgres ne peut pas les garder exactement.";
    NO_RAW = "No version of this record is held." / "Aucune version de cette fiche n'est gardée.";

    EXPLAINED = "Where does this value come from?" / "D'où vient cette valeur?";
    CLOSE = "Close" / "Fermer";
    NO_SUCH_COLUMN = "There is no column {column} that could be explained." / "Il n'y a pas de colonne {column} à expliquer.";
    RULE = "Rule" / "Règle";
    BY_RECORD = "Taken from the record." / "Prise dans la fiche.";
    BY_RECONCILER = "Made from the record by the program." / "Faite par le programme à partir de la fiche.";
    BY_ANOTHER_ROW = "Repeated from another row of production." / "Répétée d'une autre ligne de la production.";
    BY_DATABASE = "Computed by the database." / "Calculée par la base de données.";
    BY_VIEW = "Computed when it is read." / "Calculée à la lecture.";
    BY_LINEAGE = "Records the origin of the row." / "Indique l'origine de la ligne.";
    PATH = "Path" / "Chemin";
    PATH_ABSENT = "nothing there" / "rien à cet endroit";
    PATH_LINE = "line {line}" / "ligne {line}";
    VERSION = "Version" / "Version";
    VERSION_OF = "{number} of {held}, seen {at}" / "{number} de {held}, vue le {at}";
    VERSION_GONE = "The version that the row names is no longer held." / "La version que la ligne nomme n'est plus gardée.";
    RUN = "Run" / "Exécution";
    BY_HAND = "Inserted by hand, or by a run that is no longer recorded." / "Insérée à la main, ou par une exécution qui n'est plus notée.";
    REQUEST = "Request" / "Requête";
    REQUEST_OF = "{number}: {operation}" / "{number} : {operation}";
    REQUEST_PAGE = "{number}: {operation}, page {page} of its window" / "{number} : {operation}, page {page} de sa fenêtre";
    COMPLETED_BY = "Completed by" / "Complétée par";
    AGREES = "Agrees?" / "Concorde?";
    AGREES_YES = "The value in production matches this record." / "La valeur en production correspond à cette fiche.";
    AGREES_NO = "The value in production differs from this record: it was changed by hand. gazelle-sync verify finds such rows, gazelle-sync replay corrects them." / "La valeur en production diffère de cette fiche : elle a été changée à la main. gazelle-sync verify trouve ces lignes, gazelle-sync replay les corrige.";
    GIVES = "The record gives {value}." / "La fiche donne {value}.";
    STEPS = "Step by step" / "Pas à pas";
    STEP_TEXT = "The record says" / "La fiche dit";
    STEP_INSTANT = "The instant, in UTC" / "L'instant, en UTC";
    STEP_STORED = "Stored as date and time, in UTC" / "Gardé en date et heure, en UTC";
    STEP_DATE_TIME = "{date} and {time}" / "{date} et {time}";
    STEP_LOCAL = "Local time" / "Heure locale";
    STEP_SUMMER = "{local}, daylight time" / "{local}, heure avancée";
    STEP_WINTER = "{local}, standard time" / "{local}, heure normale";
    STEP_VIEW = "The view shows" / "La vue montre";
    SAID = "What each version says" / "Ce que dit chaque version";
    RESTS_ON = "Computed from" / "Calculée à partir de";

    VERSIONS = "Versions" / "Versions";
    VERSIONS_HELD = "{n} version" / "{n} version", "{n} versions" / "{n} versions";
    VERSIONS_NEWEST = "The newest {n} are shown." / "Les {n} plus récentes sont montrées.";
    VERSION_NUMBER = "Version {number}" / "Version {number}";
    FIRST_VERSION = "First version" / "Première version";
    SAME_CONTENT = "No field differs." / "Aucun champ ne diffère.";
    TOMBSTONE = "Gone at Gazelle" / "Disparue de Gazelle";
    SHOW_RAW = "Show" / "Montrer";
    SHOWN_NOW = "shown above" / "montrée ci-dessus";
    WITHDRAWN_BY = "Withdrawn by an undo" / "Retirée par un « défaire »";
    STATE_IN_PRODUCTION = "in production" / "en production";
    STATE_REPLACED = "replaced" / "remplacée";
    STATE_PENDING = "pending" / "en attente";
    STATE_QUARANTINE = "in quarantine" / "en quarantaine";
    STATE_CLOSED = "not applied" / "non appliquée";
    STATE_WITHDRAWN = "withdrawn" / "retirée";
    STATE_GONE = "gone" / "disparue";
    COMPARE = "Compare versions" / "Comparer des versions";
    COMPARE_FROM = "From" / "De";
    COMPARE_TO = "To" / "À";
    COMPARE_DO = "Compare" / "Comparer";
    COMPARED = "From version {from} to version {to}" / "De la version {from} à la version {to}";
    NOT_COMPARABLE = "One of these versions holds no record that could be compared." / "Une de ces versions ne contient pas de fiche à comparer.";

    RELATED = "Related records" / "Fiches liées";
    NO_RELATED = "No other record is linked to this one." / "Aucune autre fiche n'est liée à celle-ci.";
}
