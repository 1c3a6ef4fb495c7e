//! What every page says.

use super::sentence::sentences;

sentences! {
    PRODUCT = "gazelle-sync" / "gazelle-sync";
    SKIP = "Skip to the content" / "Aller au contenu";
    SCREENS = "Screens" / "Écrans";
    OVERVIEW = "Overview" / "État";
    TODAY = "Today" / "Aujourd'hui";
    RUNS = "Runs" / "Exécutions";
    PEOPLE = "People" / "Personnes";
    SETTINGS = "Settings" / "Réglages";
    DOCTOR = "Doctor" / "Diagnostic";
    SIGN_OUT = "Sign out" / "Fermer la session";
    QUARANTINE = "Quarantine" / "Quarantaine";
    DELETIONS = "Deletions" / "Suppressions";
    CHANGES = "Changes" / "Changements";
    SEARCH = "Search" / "Chercher";
    MORE = "More" / "Plus";
    DEMO = "Made-up data: this is the demonstration, no person here exists" / "Données inventées : c'est la démonstration, personne ici n'existe";
    READ_AT = "Read at {at}" / "Lu à {at}";
    LIVE_PAUSE = "Pause updates" / "Suspendre les mises à jour";
    LIVE_SHOW = "New: show" / "Nouveau : afficher";
    LIVE_LOST = "No longer current: this page was read at {at} and cannot be read now" / "N'est plus à jour : cette page a été lue à {at} et ne peut pas être lue en ce moment";
    LIVE_BACK = "Current again" / "De nouveau à jour";
    LIVE_SIGNED_OUT = "Your session has ended: reload the page to sign in" / "Votre session est terminée : rechargez la page pour en ouvrir une";
    VERSION = "gazelle-sync {version}, schema {schema}" / "gazelle-sync {version}, schéma {schema}";
    LANGUAGE = "Language" / "Langue";
    ENGLISH = "English" / "English";
    FRENCH = "Français" / "Français";

    FAILED_PART = "This part could not be read" / "Cette partie n'a pas pu être lue";
    FAILED_PAGE = "This page could not be read" / "Cette page n'a pas pu être lue";
    TOO_SLOW = "This page takes too long to read" / "Cette page est trop longue à lire";
    TOO_SLOW_WHY = "The database answers, but not within the time that a page is given: something else may keep it busy." / "La base répond, mais pas dans le temps donné à une page : autre chose l'occupe peut-être.";
    OLDER_TABLES = "The tables are older than the program" / "Les tables sont plus anciennes que le programme";
    OLDER_TABLES_WHY = "Make a backup, then run gazelle-sync migrate." / "Faites une sauvegarde, puis lancez gazelle-sync migrate.";
    NEWER_TABLES = "The tables are newer than the program" / "Les tables sont plus récentes que le programme";
    NEWER_TABLES_WHY = "A newer gazelle-sync has migrated the database: update this program." / "Une version plus récente a migré la base : mettez à jour gazelle-sync.";
    NO_RIGHT = "The database refuses access" / "La base refuse l'accès";
    NO_RIGHT_WHY = "The role of DATABASE_URL lacks a right: gazelle-sync doctor says which." / "Il manque un droit au rôle de DATABASE_URL : gazelle-sync doctor dit lequel.";
    NOT_OPEN = "The service is starting" / "Le service démarre";
    NOT_OPEN_WHY = "It has not opened the database yet, or there are no tables yet." / "Il n'a pas encore ouvert la base, ou il n'y a pas encore de tables.";
    UNREADABLE = "The database reports an error" / "La base signale une erreur";
    UNREADABLE_WHY = "The log of the service says which one; gazelle-sync doctor looks for the cause." / "Le journal du service dit laquelle; gazelle-sync doctor en cherche la cause.";
    RETRY = "Try again" / "Réessayer";
    NOT_FOUND = "There is no such page" / "Cette page n'existe pas";
    TO_FIRST_PAGE = "To the first page" / "Vers la première page";
    NO_RUN_OF_THIS_ID = "No run has this id" / "Aucune exécution n'a cet identifiant";
    OLD_RUNS_GO = "Runs are kept for the time set by runs_retention." / "Les exécutions sont gardées pendant la durée que fixe runs_retention.";
    TO_RUNS = "To the list of runs" / "Vers la liste des exécutions";

    SUCCESS = "Success" / "Réussie";
    PARTIAL = "Done in part" / "Faite en partie";
    FAILED = "Failed" / "Échouée";
    RUNNING = "Running" / "En cours";
    INTERRUPTED = "Interrupted" / "Interrompue";
}
