//! The sentences of the deletions that await a decision.

use super::sentence::sentences;

sentences! {
    HEADING = "Deletions to decide" / "Suppressions à décider";
    HOW = "Gazelle answers that these records no longer exist. They are more than the guard allows at once, which may be a mistake: none is deleted until somebody approves it." / "Gazelle répond que ces fiches n'existent plus. Leur nombre dépasse ce que le garde-fou permet à la fois, ce qui peut être une erreur : aucune n'est supprimée avant que quelqu'un ne l'approuve.";
    NONE = "No deletion awaits a decision." / "Aucune suppression n'attend de décision.";
    NONE_KEPT = "None was found by the runs that are kept." / "Les exécutions gardées n'en ont trouvé aucune.";
    FOUND = "{n} was found since {since}," / "{n} a été trouvée depuis le {since},", "{n} were found since {since}," / "{n} ont été trouvées depuis le {since},";
    MARKED = "of which {n} was marked deleted, with evidence." / "dont {n} marquée supprimée, avec preuve.",
        "of which {n} were marked deleted, all with evidence." / "dont {n} marquées supprimées, toutes avec preuve.";
    GROUP = "{entity}: {n}" / "{entity} : {n}";
    SHARE = "{share} of {held} held" / "{share} des {held} gardées";
    GUARD_RECORDS = "The guard allows {records} at most." / "Le garde-fou en permet au plus {records}.";
    GUARD_PERCENT = "The guard allows {limit}: at most {percent} % of {held}." / "Le garde-fou en permet {limit} : au plus {percent} % de {held}.";
    FOUND_BY = "Found by the run of {at}, {ago}" / "Trouvées par l'exécution du {at}, {ago}";
    LOOK = "See the evidence" / "Voir les preuves";

    OF_RUN = "Deletions found by the run of {at}" / "Suppressions trouvées par l'exécution du {at}";
    OF_UNKNOWN_RUN = "Deletions found by a run" / "Suppressions trouvées par une exécution";
    NO_SUCH = "This run found no deletion" / "Cette exécution n'a trouvé aucune suppression";
    NO_SUCH_MORE = "There is no deletion with evidence of this run. The run may be removed, or its id mistyped." / "Il n'y a aucune suppression avec preuve de cette exécution. Elle a peut-être été retirée, ou son identifiant est mal écrit.";
    TO_DELETIONS = "To the deletions" / "Vers les suppressions";
    TO_RUN = "The run" / "L'exécution";
    DECIDE = "Decide" / "Décider";
    APPROVE = "To delete those that wait:" / "Pour supprimer celles qui attendent :";
    KEEP = "To keep them:" / "Pour les garder :";
    SEEN_AGAIN_STAY = "Records seen again since are kept either way." / "Les fiches revues depuis sont gardées dans tous les cas.";
    FIRST = "The first {n} are listed." / "Les {n} premières sont listées.";

    LAST_VERSION = "Last new version: {at}" / "Dernière nouvelle version : {at}";
    NEVER_SEEN = "Never staged" / "Jamais en staging";
    SEEN_SINCE = "seen again since" / "revue depuis";
    EVIDENCE = "Not in the list of the complete walk; {getter} answered at {at} that it does not exist." / "Absente de la liste du parcours complet; {getter} a répondu à {at} qu'elle n'existe pas.";
    ANSWER = "The answer, as it came" / "La réponse, telle quelle";
    HANGING = "These refer to it: {what}" / "En dépendent : {what}";
    STATE_WITHHELD = "waits" / "attend";
    STATE_DELETED = "marked deleted" / "marquée supprimée";
    STATE_APPROVED = "approved" / "approuvée";
    STATE_DISMISSED = "kept by a person" / "gardée par une personne";
    STATE_SUPERSEDED = "seen again" / "revue";
}
