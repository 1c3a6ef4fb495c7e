//! The sentences of Runs and of one run.

use super::sentence::sentences;

sentences! {
    STARTED = "Started" / "Début";
    ENDED = "Ended" / "Fin";
    TOOK = "Took" / "Durée";
    WHAT = "What" / "Quoi";
    STATE = "State" / "État";
    BY = "Started by" / "Lancée par";
    STAGED = "New versions" / "Nouvelles versions";
    FETCHED = "Received" / "Reçues";
    FAULTY = "Into quarantine" / "En quarantaine";
    REQUESTS = "Requests" / "Requêtes";
    RETRIES = "Retries" / "Reprises";
    PROGRAM = "Program" / "Programme";
    RUN_ID = "Run" / "Exécution";
    RUN_OF = "Run of {at}" / "Exécution du {at}";
    OLDER = "Older runs" / "Exécutions plus anciennes";
    NEWEST = "Newest runs" / "Exécutions les plus récentes";
    ALL_STATES = "All states" / "Tous les états";
    FILTER = "Filter" / "Filtrer";
    CLEAR = "Clear the filter" / "Retirer le filtre";
    NONE_YET = "No run yet. gazelle-sync sync --mode full starts the first one." / "Aucune exécution encore. gazelle-sync sync --mode full lance la première.";
    NONE_MATCHES = "No run matches this filter." / "Aucune exécution ne correspond à ce filtre.";

    FULL = "full" / "complète";
    INCREMENTAL = "incremental" / "incrémentale";
    COMMAND_SYNC = "Sync" / "Synchronisation";
    BY_COMMAND = "a command" / "une commande";
    BY_SCHEDULE = "the schedule" / "l'horaire";
    BY_REQUEST = "a request" / "une demande";
    BY_DEMO = "the demonstration" / "la démonstration";

    REASONS = "Why it is not a success" / "Pourquoi elle n'est pas réussie";
    ENTITIES = "Entity by entity" / "Entité par entité";
    ENTITIES_NOTE = "Gazelle's own count, what was seen, and what is held; differences are marked." / "Ce que Gazelle compte à côté de ce qui a été vu et de ce qui est gardé; une différence est marquée.";
    ENTITY = "Entity" / "Entité";
    WALK = "Walk" / "Parcours";
    WALK_WHOLE = "whole" / "complet";
    WALK_FROM = "from {from}" / "depuis le {from}";
    WALK_UNTIL = "until {until}" / "jusqu'au {until}";
    WALK_BETWEEN = "{from} to {until}" / "du {from} au {until}";
    WALK_INCOMPLETE = "incomplete" / "incomplet";
    AT_GAZELLE = "At Gazelle" / "Chez Gazelle";
    SEEN = "Seen" / "Vues";
    HELD = "Held" / "Gardées";
    UNCHANGED = "Unchanged" / "Inchangées";
    WRITTEN = "Rows written" / "Lignes écrites";
    DELETED = "Deleted" / "Supprimées";
    DIFFERS = "differs" / "diffère";
    CHANGED_NOTHING = "Changed nothing: {seen} seen, all unchanged." / "N'a rien changé : {seen} vues, toutes inchangées.";
    NO_ENTITIES = "No counts: the run ended before they were taken." / "Aucun compte : l'exécution a pris fin avant.";
    COUNTED_LATER = "The run is in progress: it is counted when it ends." / "L'exécution est en cours : elle est comptée à sa fin.";
    NOT_COUNTED = "Not known: the run was interrupted before it was counted." / "Inconnu : l'exécution a été interrompue avant d'être comptée.";

    ERRORS = "Errors" / "Erreurs";
    NO_ERRORS = "No record of this run went into quarantine." / "Aucune fiche de cette exécution n'est en quarantaine.";
    ERRORS_OF = "{entity}: {n} into quarantine" / "{entity} : {n} en quarantaine";
    ERRORS_HOW = "See the quarantine, with their reasons." / "Voir la quarantaine, avec leurs raisons.";
    WARNINGS = "Warnings" / "Avertissements";
    NO_WARNINGS = "This run noted no warning." / "Cette exécution n'a noté aucun avertissement.";
    WARNING_RECORDS = "{n} record" / "{n} fiche", "{n} records" / "{n} fiches";

    CHANGES = "What it changed" / "Ce qu'elle a changé";
    NO_CHANGES = "It brought no new version of any record." / "Elle n'a apporté aucune nouvelle version de fiche.";
    KIND_NEW = "New" / "Nouvelle";
    KIND_CHANGED = "Changed" / "Changée";
    KIND_GONE = "Gone" / "Disparue";
    FIRST_RECORDS = "The first {n} are listed." / "Les {n} premières sont listées.";
    OTHER_RECORDS = "{n} other" / "{n} autre", "{n} others" / "{n} autres";
    TOO_LARGE = "too large to compare here" / "trop grande pour être comparée ici";
    SAME_FIELDS = "no field differs" / "aucun champ ne diffère";
    TO_CASE = "in quarantine" / "en quarantaine";

    LATENCY = "Answers of Gazelle" / "Réponses de Gazelle";
    MEDIAN = "Median" / "Médiane";
    P95 = "95 of 100 within" / "95 sur 100 en";
    SLOWEST = "Slowest" / "La plus lente";
    OPERATION = "Operation" / "Opération";
    ATTEMPTS = "Attempts" / "Essais";
    HTTP = "HTTP" / "HTTP";
    OUTCOME = "Outcome" / "Issue";
    LATENCY_MS = "Answer in" / "Réponse en";
    BYTES = "Size" / "Taille";
    NO_REQUESTS = "This run sent no request." / "Cette exécution n'a envoyé aucune requête.";
    REASONS_IN_ENGLISH = "The reasons are recorded in English." / "Les raisons sont notées en anglais.";
}
