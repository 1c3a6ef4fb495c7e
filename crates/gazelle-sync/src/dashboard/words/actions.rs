//! The sentences about actions and their outcomes.

use super::sentence::sentences;

sentences! {
    HEADING = "Actions" / "Actions";
    HOW = "What people asked for on these pages, who asked, and what became of it." / "Ce que les gens ont demandé dans ces pages, qui l'a demandé et ce qu'il en est advenu.";
    NONE = "Nobody has asked for anything yet. Buttons on the other screens do." / "Personne n'a encore rien demandé. Les boutons des autres écrans le font.";
    TO_ACTIONS = "Who asked for what" / "Qui a demandé quoi";
    ASKED = "Asked for" / "Demandée";
    ASKED_BY = "By" / "Par";
    WHAT = "What" / "Quoi";
    STATE = "State" / "État";
    TAKEN = "Begun" / "Commencée";
    ENDED = "Ended" / "Terminée";
    ID = "Action" / "Action";
    OLDER = "Older actions" / "Actions plus anciennes";
    NEWEST = "Newest actions" / "Actions les plus récentes";
    BY_DEMO = "the demonstration" / "la démonstration";

    WAITING = "Waiting" / "En attente";
    AT_WORK = "In progress" / "En cours";
    DONE = "Done" / "Faite";
    PARTIAL = "Done in part" / "Faite en partie";
    FAILED = "Failed" / "Échouée";
    REFUSED = "Not done" / "Non faite";

    WAITING_HOW = "The service does it as soon as no run is in progress." / "Le service la fait dès qu'aucune exécution n'est en cours.";
    AT_WORK_HOW = "The service has been doing it since {at}." / "Le service la fait depuis {at}.";
    BEGUN_AGAIN = "It was begun {n} time. The service was stopped each time before anything was changed." / "Elle a été commencée {n} fois. Le service a été arrêté chaque fois avant que rien ne soit changé.",
        "It was begun {n} times. The service was stopped each time before anything was changed." / "Elle a été commencée {n} fois. Le service a été arrêté chaque fois avant que rien ne soit changé.";
    LOOK_AGAIN = "Look again" / "Regarder de nouveau";
    NOTHING_CHANGED = "Nothing was changed." / "Rien n'a été changé.";
    CHANGED_AT = "The data was changed at {at}." / "Les données ont été changées à {at}.";
    APPLIED_NOT_ENDED = "The data was changed at {at}; what follows is still being checked." / "Les données ont été changées à {at}; la suite est encore en vérification.";
    SAYS = "In the program's words" / "Dans les mots du programme";
    TO_RUN = "The run" / "L'exécution";
    TO_DRY_RUN = "The dry run that showed it" / "L'essai à blanc qui l'a montrée";
    NO_ACTION = "There is no such action" / "Cette action n'existe pas";
    NO_ACTION_MORE = "There is no action with this id, or it was deleted when it was older than runs_retention." / "Aucune action n'a cet identifiant, ou elle a été supprimée parce qu'elle dépassait runs_retention.";

    SYNC = "Sync" / "Synchronisation";
    SYNC_FULL = "Full sync" / "Synchronisation complète";
    RETRY_ONE = "Try {id} again ({entity})" / "Réessayer {id} ({entity})";
    RETRY_ALL = "Try all again: {what}" / "Réessayer toutes : {what}";
    DISMISS_ONE = "Dismiss the case of {id} ({entity})" / "Écarter le cas de {id} ({entity})";
    DELETE_SOME = "Delete {n} record: {entity}" / "Supprimer {n} fiche : {entity}", "Delete {n} records: {entity}" / "Supprimer {n} fiches : {entity}";
    KEEP_SOME = "Keep {n} record: {entity}" / "Garder {n} fiche : {entity}", "Keep {n} records: {entity}" / "Garder {n} fiches : {entity}";
    DOCTOR = "Examination by doctor" / "Examen par doctor";
    TO_DOCTOR = "What was found" / "Ce qui a été trouvé";
    VERIFY = "Comparison with Gazelle" / "Comparaison avec Gazelle";
    REPLAY = "Replay what a run touched" / "Rejouer ce qu'une exécution a touché";
    REPLAY_ONE = "Replay {id} ({entity})" / "Rejouer {id} ({entity})";
    UNDO = "Undo a run" / "Défaire une exécution";
    LIFT = "Bring back an undone run" / "Rétablir une exécution défaite";
    DRY_RUN_OF = "Dry run: {what}" / "Essai à blanc : {what}";
    UNKNOWN = "Something that this program does not know ({kind})" / "Quelque chose que ce programme ne connaît pas ({kind})";

    SYNC_NOW = "Sync now" / "Synchroniser maintenant";
    SYNC_ALL = "Read everything" / "Tout lire";
    SYNC_ALL_HOW = "A full sync reads every record and takes longer; the schedule does it each night." / "Une synchronisation complète lit toutes les fiches et prend plus de temps; l'horaire la fait chaque nuit.";
    MORE = "More" / "Plus";
    VERIFY_NOW = "Compare now" / "Comparer maintenant";
    LAST_VERIFIED = "{rows} rows compared, {asked} asked at Gazelle: {differences}" / "{rows} lignes comparées, {asked} demandées à Gazelle : {differences}";
    DIFFERENCES = "{n} difference" / "{n} différence", "{n} differences" / "{n} différences";
    TO_REPORT = "The report" / "Le rapport";

    TRY_AGAIN = "Try again" / "Réessayer";
    TRY_ALL_AGAIN = "Try all again" / "Réessayer toutes";
    DISMISS = "Dismiss the case" / "Écarter le cas";
    DISMISS_HOW = "The record stays out of production, and the reason stays with the case." / "La fiche reste hors de la production, et la raison reste au cas.";
    REASON = "Reason" / "Raison";
    DECIDE_CASE = "Decide" / "Décider";
    BAD_REASON = "A reason is needed: at most 500 characters, all of them visible." / "Il faut une raison : au plus 500 caractères, tous visibles.";

    LEAVE_ONE = "Leave this one undecided" / "Laisser celle-ci sans décision";
    DELETE_MANY = "Delete…" / "Supprimer…";
    KEEP_MANY = "Keep…" / "Garder…";
    DECIDE_HOW = "Check below the records that are to stay undecided. The next page shows how many records are affected; nothing happens until you confirm there." / "Cochez plus bas les fiches à laisser sans décision. La page suivante montre combien de fiches sont touchées; rien n'est fait avant votre confirmation.";
    CONFIRM_DELETE_HOW = "These records are marked deleted in production. Their rows and raw records are kept, so this can be undone." / "Ces fiches sont marquées supprimées en production. Leurs lignes et leurs fiches brutes sont gardées : l'action peut être défaite.";
    CONFIRM_KEEP_HOW = "These records stay in production, even if later lists of Gazelle lack them." / "Ces fiches restent en production, même si des listes suivantes de Gazelle ne les ont pas.";
    SEEN_AGAIN = "{n} was seen again since and stays either way." / "{n} a été revue depuis et reste dans tous les cas.",
        "{n} were seen again since and stay either way." / "{n} ont été revues depuis et restent dans tous les cas.";
    LEFT = "Left undecided" / "Laissées sans décision";
    NOTHING_TO_DECIDE = "Nothing is left to decide" / "Il ne reste rien à décider";
    NOTHING_TO_DECIDE_HOW = "Somebody has decided it meanwhile, or every record is left out." / "Quelqu'un a décidé entre-temps, ou toutes les fiches sont laissées de côté.";
    BACK = "Back" / "Retour";

    CHANGE_A_RUN = "Take it back, or do it again" / "Revenir en arrière ou refaire";
    CHANGE_HOW = "Each is first a dry run: its page shows what would change, and only then it can be applied." / "Chacune est d'abord un essai à blanc : sa page montre ce qui changerait, et ensuite seulement elle peut être appliquée.";
    UNDO_THIS = "Undo this run (dry run)" / "Défaire cette exécution (essai à blanc)";
    LIFT_THIS = "Bring the run back (dry run)" / "Rétablir l'exécution (essai à blanc)";
    REPLAY_THIS = "Replay what it touched (dry run)" / "Rejouer ce qu'elle a touché (essai à blanc)";
    DO_AGAIN = "Do it again" / "Refaire";
    REPLAY_RECORD = "Replay this record (dry run)" / "Rejouer cette fiche (essai à blanc)";
    REPLAY_RECORD_HOW = "Its rows in production are made again of its raw versions. The dry run shows what would change, and only then it can be applied." / "Ses lignes en production sont refaites à partir de ses versions brutes. L'essai à blanc montre ce qui changerait, et ensuite seulement il peut être appliqué.";

    WOULD_CHANGE = "What would change in production" / "Ce qui changerait en production";
    DID_CHANGE = "What changed in production" / "Ce qui a changé en production";
    NO_CHANGE = "No row differs: there is nothing to apply." / "Aucune ligne ne diffère : il n'y a rien à appliquer.";
    TABLE = "Table" / "Table";
    COME = "Come" / "Arrivent";
    CHANGE = "Change" / "Changent";
    GO = "Go" / "Partent";
    SAMPLES = "Some of the rows" / "Quelques-unes des lignes";
    KEYS = "{n} row" / "{n} ligne", "All {n} rows" / "Toutes les {n} lignes";
    MORE_KEYS = "and {n} more" / "et {n} autre", "and {n} more" / "et {n} autres";
    VERSIONS = "{n} version" / "{n} version", "{n} versions" / "{n} versions";
    NEWER_STAY = "{n} record stays: a later run brought a newer version." / "{n} fiche reste : une exécution suivante a apporté une version plus récente.",
        "{n} records stay: a later run brought newer versions." / "{n} fiches restent : une exécution suivante a apporté des versions plus récentes.";
    APPLY = "Apply: {n} row" / "Appliquer : {n} ligne", "Apply: {n} rows" / "Appliquer : {n} lignes";
    APPLY_VERSIONS = "Apply: no row changes" / "Appliquer : aucune ligne ne change";
    APPLY_HOW = "If more would change by then than is shown here, it is refused, and nothing is changed." / "Si d'ici là plus de lignes devaient changer que ce qui est montré ici, elle est refusée et rien n'est changé.";
    APPLY_WITHHELD = "This is more than the guard allows without somebody's approval. Applying it is that approval." / "C'est plus que ce que le garde-fou permet sans l'accord de quelqu'un. L'appliquer, c'est donner cet accord.";
    NOT_YOURS = "Somebody else asked for this dry run" / "Quelqu'un d'autre a demandé cet essai à blanc";
    NOT_YOURS_HOW = "Ask for one of your own: who applies it must have seen its numbers." / "Demandez le vôtre : qui l'applique doit avoir vu ses nombres.";
    NOT_APPLICABLE = "This cannot be applied" / "Ceci ne peut pas être appliqué";
    NOT_APPLICABLE_HOW = "Only a dry run that has ended well can be." / "Seul un essai à blanc bien terminé peut l'être.";
    KIND_COMES = "Comes" / "Arrive";
    KIND_CHANGES = "Changes" / "Change";
    KIND_GOES = "Goes" / "Part";

    WAY_BACK = "How to reverse this" / "Pour revenir en arrière";
    BACK_UNDO = "Undo the run (dry run)" / "Défaire l'exécution (essai à blanc)";
    BACK_OF_DELETE = "Undoing it takes back these deletions alone; the dry run shows them first." / "La défaire annule ces suppressions seulement; l'essai à blanc les montre d'abord.";
    BACK_OF_KEEP = "Nothing in production has changed: there is nothing to take back." / "Rien n'a changé en production : il n'y a rien à annuler.";
    BACK_OF_REPLAY = "Production matches staging: there is nothing to reverse." / "La production correspond au staging : il n'y a rien à défaire.";

    DECIDED_DELETED = "{n} marked deleted" / "{n} marquée supprimée", "{n} marked deleted" / "{n} marquées supprimées";
    DECIDED_KEPT = "{n} kept" / "{n} gardée", "{n} kept" / "{n} gardées";
    RETRIED = "{n} record tried again" / "{n} fiche réessayée", "{n} records tried again" / "{n} fiches réessayées";
    ALL_CODES = "everything open" / "tout ce qui est ouvert";
    CHECKS = "What was compared" / "Ce qui a été comparé";
    CHECK = "Comparison" / "Comparaison";
    CHECKED = "Compared" / "Comparées";
    FOUND = "Differences" / "Différences";
    VERDICT_EQUAL = "Equal: {rows} rows, {asked} asked at Gazelle" / "Identiques : {rows} lignes, {asked} demandées à Gazelle";
    VERDICT_INCOMPLETE = "No difference found, but not everything could be asked: {rows} rows, {asked} asked at Gazelle" / "Aucune différence trouvée, mais tout n'a pas pu être demandé : {rows} lignes, {asked} demandées à Gazelle";
    VERDICT_DIFFERENT = "{differences} among {rows} rows, {asked} asked at Gazelle" / "{differences} parmi {rows} lignes, {asked} demandées à Gazelle";
    NOTES = "Notes" / "Remarques";
}
