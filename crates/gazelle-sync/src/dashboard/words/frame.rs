//! What every page says.

use super::said::said;

said! {
    NEVER = "never" / "jamais";
    JUST_NOW = "just now" / "à l'instant";
    AGO = "{age} ago" / "il y a {age}";
    DAY_AND_HOUR = "{day}, {hour}" / "{day} à {hour}";

    PRODUCT = "gazelle-sync" / "gazelle-sync";
    SKIP = "Skip to the content" / "Aller au contenu";
    SCREENS = "Screens" / "Écrans";
    OVERVIEW = "Overview" / "État";
    TODAY = "Today" / "Aujourd'hui";
    RUNS = "Runs" / "Exécutions";
    PEOPLE = "People" / "Personnes";
    SIGN_OUT = "Sign out" / "Fermer la session";
    QUARANTINE = "Quarantine" / "Quarantaine";
    DELETIONS = "Deletions" / "Suppressions";
    CHANGES = "Changes" / "Changements";
    SEARCH = "Search" / "Chercher";
    MORE = "More" / "Plus";
    DEMO = "Made-up data: this is the demonstration, no person here exists" / "Données inventées : c'est la démonstration, personne ici n'existe";
    READ_AT = "Read at {at}" / "Lu à {at}";
    VERSION = "gazelle-sync {version}, schema {schema}" / "gazelle-sync {version}, schéma {schema}";
    LANGUAGE = "Language" / "Langue";
    ENGLISH = "English" / "English";
    FRENCH = "Français" / "Français";

    FAILED_PART = "This part could not be read" / "Cette partie n'a pas pu être lue";
    FAILED_PAGE = "This page could not be read" / "Cette page n'a pas pu être lue";
    RETRY = "Try again" / "Réessayer";
    NOT_FOUND = "There is no such page" / "Cette page n'existe pas";
    TO_FIRST_PAGE = "To the first page" / "Vers la première page";
    NO_RUN_OF_THIS_ID = "No run has this id" / "Aucune exécution n'a cet identifiant";
    OLD_RUNS_GO = "Runs are kept as long as the setting runs_retention says." / "Les exécutions sont gardées aussi longtemps que le réglage runs_retention le dit.";
    TO_RUNS = "To the list of runs" / "Vers la liste des exécutions";

    SUCCESS = "Success" / "Réussie";
    PARTIAL = "Done in part" / "Faite en partie";
    FAILED = "Failed" / "Échouée";
    RUNNING = "Running" / "En cours";
    INTERRUPTED = "Interrupted" / "Interrompue";
}
