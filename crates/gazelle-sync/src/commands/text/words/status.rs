//! The sentences of `status` and `runs`.

use crate::words::sentence::sentences;

sentences! {
    DEMONSTRATION = "DEMONSTRATION: this database holds the made-up shop of `gazelle-sync demo`" / "DÉMONSTRATION : cette base contient l'atelier inventé de `gazelle-sync demo`";
    NOTHING_HERE = "nothing here yet: the database has no tables of ours (gazelle-sync sync --mode full creates and fills them)" / "rien ici encore : la base n'a aucune de nos tables (gazelle-sync sync --mode full les crée et les remplit)";
    NOT_SAID = "whether the data is right is not said: this role may read neither the quarantine nor the alerts" / "on ne dit pas si les données sont justes : ce rôle ne peut lire ni la quarantaine ni les alertes";
    QUARANTINE = "quarantine" / "quarantaine";
    QUARANTINED = "{n}, the oldest since {since}" / "{n}, le plus ancien depuis le {since}";
    EMPTY = "empty" / "vide";
    DELETIONS = "deletions" / "suppressions";
    NONE_AWAITS = "none awaits approval" / "aucune n'attend d'accord";
    AWAIT = "{n} await approval" / "{n} attend un accord", "{n} await approval" / "{n} attendent un accord";
    ALERTS = "alerts" / "alertes";
    NO_PROBLEM = "no problem" / "aucun problème";
    NEXT_RUN = "next run" / "prochaine";
    NEXT_AT = "{at}, if `gazelle-sync serve` runs" / "{at}, si `gazelle-sync serve` tourne";
    LOCK = "LOCK: {said}" / "VERROU : {said}";
    OR_NEW_KEY = "gazelle-sync auth login, or a new GAZELLE_API_KEY" / "gazelle-sync auth login, ou une nouvelle GAZELLE_API_KEY";

    SYNC_OR_SERVE = "gazelle-sync sync, or gazelle-sync serve (syncs by itself)" / "gazelle-sync sync, ou gazelle-sync serve (synchronise de lui-même)";
    VERIFY_THEN_REPLAY = "gazelle-sync verify, then gazelle-sync replay --dry-run" / "gazelle-sync verify, puis gazelle-sync replay --dry-run";

    NO_RUN_YET = "no run is recorded yet: gazelle-sync sync --mode full" / "aucune exécution n'est encore notée : gazelle-sync sync --mode full";
    MORE_RUNS = "more: gazelle-sync runs; one of them: gazelle-sync runs show RUN" / "les autres : gazelle-sync runs; l'une d'elles : gazelle-sync runs show RUN";
    PRODUCTION = "production" / "production";
    ROWS = "rows" / "lignes";
    DELETED = "deleted" / "supprimées";
    LAST_WALK = "last complete walk" / "dernier parcours complet";
    NEVER = "never" / "jamais";
    STAGING = "staging" / "staging";
    COUNT = "count" / "nombre";
    OLDEST = "oldest_record" / "plus ancien";
    NEWEST = "newest_record" / "plus récent";
    STAGING_SIZE = "staging size" / "taille de staging";
    VERSIONS = "versions" / "versions";
    SIZE = "size" / "taille";
    VERSIONS_A_DAY = "versions a day" / "versions par jour";
    SIZE_A_DAY = "size a day" / "taille par jour";
    LAST_RUN = "last run" / "dernière exécution";
    UNKNOWN = "unknown" / "inconnue";
    KEPT = "kept: {what}" / "gardées : {what}";
    ALL_VERSIONS = "all versions (setting retention)" / "toutes les versions (réglage retention)";
    VERSIONS_OF_DAYS = "what was current in the last {days} days (setting retention)" / "celles qui étaient en vigueur depuis {days} jours (réglage retention)";
    TIMES_IN = "times in {zone}" / "heures de {zone}";
    RUNS_ONLY = "the embedded database runs only while a command needs it (`gazelle-sync psql` opens it, `gazelle-sync db start` keeps it running)" / "la base intégrée ne tourne que pendant qu'une commande en a besoin (`gazelle-sync psql` l'ouvre, `gazelle-sync db start` la garde en marche)";

    NO_RUNS = "no runs" / "aucune exécution";
    THE_REST = "the rest: gazelle-sync runs --before {run}" / "la suite : gazelle-sync runs --before {run}";
    ONE_OF_THEM = "one of them: gazelle-sync runs show RUN" / "l'une d'elles : gazelle-sync runs show RUN";
    RUN = "run" / "exécution";
    STARTED = "started" / "début";
    COMMAND = "command" / "commande";
    STATUS = "status" / "résultat";
    TOOK = "took" / "durée";
    APPLIED = "applied" / "écrits";
    ERRORS = "errors" / "erreurs";
    SUCCESS = "success" / "réussie";
    PARTIAL = "partial" / "partielle";
    FAILED = "failed" / "échouée";
    RUNNING = "running" / "en cours";
    INTERRUPTED = "interrupted" / "interrompue";
    WHY = "{run} {status}: {reason}" / "{run} {status} : {reason}";
    STARTED_BY = "{command}, started by: {by}" / "{command}, lancée par : {by}";
    BY_COMMAND = "command" / "une commande";
    BY_SCHEDULE = "schedule" / "l'horaire";
    BY_REQUEST = "request" / "une demande";
    BY_DEMO = "demo" / "la démonstration";
    REASON = "reason" / "raison";
    ENDED = "ended" / "fin";
    ENDED_AFTER = "{at}, after {took}" / "{at}, après {took}";
    PROGRAM = "program" / "programme";
    REQUESTS = "requests" / "requêtes";
    SENT = "{n} sent, {repeated} repeated" / "{n} envoyées, dont {repeated} répétées";
    LATENCY = "latency" / "attente";
    LATENCIES = "{median} (median), {p95} (95 %), {slowest} (slowest)" / "{median} (médiane), {p95} (95 %), {slowest} (la plus longue)";
    ENTITY_WHY = "{entity}: {reason}" / "{entity} : {reason}";
    IN_QUARANTINE = "records in quarantine: gazelle-sync errors" / "en quarantaine : gazelle-sync errors";
    ITS_WARNINGS = "its warnings:" / "ses avertissements :";
    TAKE_IT_BACK = "to take it back:" / "pour l'annuler :";
}
