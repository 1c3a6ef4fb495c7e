//! The verdict on the data: a title and a sentence for each of its cases.

use super::sentence::sentences;

sentences! {
    UNREACHABLE = "We cannot see the data" / "On ne voit plus les données";
    UNREACHABLE_MORE = "The database has not answered since {since}." / "La base ne répond plus depuis {since}.";
    UNREACHABLE_NOW = "The database does not answer." / "La base ne répond pas.";
    UNREACHABLE_ACT = "gazelle-sync doctor says what is wrong" / "gazelle-sync doctor dit ce qui ne va pas";

    REFUSED = "Gazelle refuses our credentials" / "Gazelle nous refuse l'accès";
    REFUSED_ACT = "gazelle-sync auth login gets a new key" / "gazelle-sync auth login donne une nouvelle clé";

    RUN_FAILED = "The last run failed {at}" / "La dernière exécution a échoué {at}";
    AS_OF = "The data shown is from {as_of}." / "Ce qui est montré date {as_of}.";
    NOTHING_YET = "No sync has succeeded yet." / "Aucune synchronisation n'a encore réussi.";
    SEE_RUN = "View the run" / "Voir l'exécution";
    SEE_RUNS = "View the runs" / "Voir les exécutions";

    STALE = "Out of date" / "Pas à jour";
    STALE_MORE = "Nothing new since {since} (limit: {limit} min)." / "Rien de nouveau depuis {since} (limite : {limit} min).";

    DIFFERS = "Not right: {n} row differs from what Gazelle said" / "Pas juste : {n} ligne diffère de ce que Gazelle a dit",
        "Not right: {n} rows differ from what Gazelle said" / "Pas juste : {n} lignes diffèrent de ce que Gazelle a dit";
    DIFFERS_MORE = "Verified {at}." / "Vérifié {at}.";
    DIFFERS_ACT = "View the report" / "Voir le rapport";

    NOTHING_LISTED = "Gazelle listed no {entities}" / "Gazelle n'a rien donné : {entities}";
    NOTHING_LISTED_MORE = "Nothing was deleted." / "Rien n'a été supprimé.";

    WITHHELD = "Right, and {n} deletion awaits your approval" / "Juste, et {n} suppression attend votre accord",
        "Right, and {n} deletions await your approval" / "Juste, et {n} suppressions attendent votre accord";
    WITHHELD_MORE = "These records no longer exist in Gazelle and are kept here until somebody decides." / "Ces fiches n'existent plus dans Gazelle et sont gardées ici jusqu'à ce que quelqu'un décide.";
    WITHHELD_ACT = "See the evidence" / "Voir les preuves";

    CASES = "Right, except for {n} record that cannot be read" / "Juste, sauf {n} fiche illisible",
        "Right, except for {n} records that cannot be read" / "Juste, sauf {n} fiches illisibles";
    CASES_MORE = "They were quarantined within the last hour; all others were written." / "Elles ont été mises en quarantaine depuis une heure; toutes les autres ont été écrites.";
    CASES_ACT = "See the quarantine" / "Voir la quarantaine";

    IN_PART = "Right as far as it was read" / "Juste pour ce qui a été lu";
    IN_PART_MORE = "The run of {at} was done in part." / "L'exécution {at} a été faite en partie.";

    FRESH = "Fresh as of {as_of}" / "À jour {as_of}";
    NEVER_VERIFIED = "The copy was never compared with Gazelle row by row." / "La copie n'a jamais été comparée à Gazelle ligne par ligne.";
    VERIFIED_LONG_AGO = "Last compared with Gazelle: {at}." / "Dernière comparaison avec Gazelle : {at}.";
    VERIFY_ACT = "Compare with Gazelle" / "Comparer à Gazelle";

    RIGHT = "Right as of {as_of}" / "Juste {as_of}";
    RIGHT_MORE = "{rows} rows equal, {asked} asked at Gazelle, 0 differences (verified: {at})." / "{rows} lignes identiques, {asked} demandées à Gazelle, 0 différence (vérifié : {at}).";
}
