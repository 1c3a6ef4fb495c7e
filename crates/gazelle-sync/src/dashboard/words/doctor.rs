//! The sentences of Doctor.

use super::sentence::sentences;

sentences! {
    HOW = "Checks the database, Gazelle, the clocks, the disk and the alerts, and names the fix for each problem. It changes nothing." / "Vérifie la base de données, Gazelle, les horloges, le disque et les alertes, et donne le correctif de chaque problème. Rien n'est changé.";
    EXAMINE = "Examine" / "Examiner";
    EXAMINE_AGAIN = "Examine again" / "Examiner de nouveau";
    NEVER = "Nobody has asked for an examination here yet." / "Personne n'a encore demandé d'examen ici.";
    NEVER_MORE = "An examination takes some seconds; no sync runs meanwhile." / "Un examen prend quelques secondes; aucune synchronisation ne se fait pendant ce temps.";
    WAITING = "An examination waits: the service does it as soon as no run is in progress." / "Un examen attend : le service le fait dès qu'aucune exécution n'est en cours.";
    AT_WORK = "The service has been examining since {at}." / "Le service examine depuis {at}.";
    CAME_TO_NOTHING = "The last examination gave no result ({at})." / "Le dernier examen n'a donné aucun résultat ({at}).";
    EXAMINED = "Examined {at}, {ago}, for {name}" / "Examiné le {at}, {ago}, pour {name}";
    OLD = "This is {age} old, and much may have changed since: examine again." / "Ce résultat a {age}, et bien des choses ont pu changer depuis : examinez de nouveau.";
    ALL_OK = "No problems found" / "Aucun problème";
    PROBLEMS = "{n} problem" / "{n} problème", "{n} problems" / "{n} problèmes";
    WARNINGS = "{n} warning" / "{n} avertissement", "{n} warnings" / "{n} avertissements";
    OKS = "{n} check passed" / "{n} vérification réussie", "{n} checks passed" / "{n} vérifications réussies";
    PROBLEM = "Problem" / "Problème";
    WARNING = "Warning" / "Avertissement";
    OK = "OK" / "Correct";
    IN_ENGLISH = "Some findings, and their fixes, are in English." / "Certains constats, et leurs correctifs, sont rédigés en anglais.";
    FIXES = "Fix" / "Correctif";
}
