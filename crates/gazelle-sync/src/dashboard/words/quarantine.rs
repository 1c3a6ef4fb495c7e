//! The sentences of the quarantine and of a case.

use super::sentence::sentences;

sentences! {
    REASON_MISSING_FIELD = "The required field {field} is missing" / "Le champ obligatoire {field} manque";
    REASON_INVALID_FIELD = "The value of {field} cannot be read" / "La valeur de {field} est illisible";
    REASON_UNREADABLE = "The record is no JSON object" / "La fiche n'est pas un objet JSON";
    REASON_MISSING_PARENT = "It refers to a record that is not there ({field})" / "Elle renvoie à une fiche qui n'est pas là ({field})";
    REASON_REFUSED = "The database refuses {field}" / "La base de données refuse {field}";
    REASON_INCOMPLETE = "Gazelle cannot give {field}" / "Gazelle ne peut pas donner {field}";
    REASON_NOT_TEXT = "{field} is not valid UTF-8 text" / "{field} n'est pas un texte UTF-8 valide";
    REASON_NOT_ASKED = "Gazelle's list fails at this record, and it has not been requested by its id yet" / "La liste de Gazelle échoue à cette fiche, et elle n'a pas encore été demandée par son identifiant";
    THE_RECORD = "the record" / "la fiche";
    REASON_GROUP = "{entity}: {reason}" / "{entity} : {reason}";

    STATE_OPEN = "Open" / "Ouvert";
    STATE_WAITING = "Waits for a parent" / "Attend une fiche parente";
    STATE_RELEASED = "Closed: read on a later try" / "Fermé : lue à un essai suivant";
    STATE_REREAD = "Closed: a newer program reads it" / "Fermé : un programme plus récent la lit";
    STATE_SUPERSEDED = "Closed: a newer version came" / "Fermé : une version plus récente est venue";
    STATE_WITHDRAWN = "Closed: its run was undone" / "Fermé : son exécution a été défaite";
    STATE_DISMISSED = "Dismissed by a person" / "Écarté par une personne";

    OPEN_ONES = "Open and waiting" / "Ouverts et en attente";
    CLOSED_ONES = "Closed" / "Fermés";
    DISMISSED_ONES = "Dismissed" / "Écartés";
    ALL_ONES = "All" / "Tous";

    GROUPS = "By reason" / "Par raison";
    GROUP_RECORDS = "{n} record" / "{n} fiche", "{n} records" / "{n} fiches";
    SINCE = "since {at}" / "depuis le {at}";
    STATE = "State" / "État";
    ENTITY = "Kind of record" / "Sorte de fiche";
    REASON = "Reason" / "Raison";
    ALL_ENTITIES = "All kinds" / "Toutes les sortes";
    ALL_REASONS = "All reasons" / "Toutes les raisons";
    FILTER = "Filter" / "Filtrer";
    CLEAR = "Clear the filter" / "Retirer le filtre";
    RECORD = "Record" / "Fiche";
    TRIES = "Tries" / "Essais";
    FIRST_SEEN = "First noted" / "Noté d'abord";
    ADVICE = "What to do" / "Que faire";
    OLDER = "Older cases" / "Cas plus anciens";
    NEWEST = "Newest cases" / "Cas les plus récents";
    NONE_MATCHES = "No case matches this filter." / "Aucun cas ne correspond à ce filtre.";
    NONE = "Nothing is in quarantine." / "Rien n'est en quarantaine.";
    NONE_KEPT = "No closed case is kept either." / "Aucun cas fermé n'est gardé non plus.";
    WERE_CLOSED = "{n} case was closed," / "{n} cas a été fermé,", "{n} cases were closed," / "{n} cas ont été fermés,";
    BY_THEMSELVES = "{n} by itself." / "dont {n} de lui-même.", "{n} by themselves." / "dont {n} d'eux-mêmes.";

    NO_CASE = "There is no such case" / "Ce cas n'existe pas";
    NO_CASE_MORE = "No version with this id is or was in quarantine, or its case was closed long ago and removed." / "Aucune version avec cet identifiant n'est ou n'a été en quarantaine, ou son cas est fermé depuis longtemps et a été retiré.";
    TO_QUARANTINE = "To the quarantine" / "Vers la quarantaine";
    FIELD = "Field" / "Champ";
    OFFENDING = "It holds" / "Il contient";
    NOTHING_THERE = "nothing" / "rien";
    SAYS = "In the program's words" / "Dans les mots du programme";
    PARENT = "Waits for" / "Attend";
    PARENT_IN_PRODUCTION = "which is in production now" / "qui est en production à présent";
    PARENT_STAGED = "which is staged, but not in production" / "qui est en staging, mais pas en production";
    PARENT_UNKNOWN = "which is not known" / "qui est inconnue";
    LAST_TRY = "Last try" / "Dernier essai";
    SEEN = "Version seen" / "Version vue";
    RUN = "Run" / "Exécution";
    REQUEST = "Request" / "Requête";
    NOT_NOTED = "not noted" / "non notée";
    CLOSED_AT = "Closed" / "Fermé";
    TO_RECORD = "The record with its versions" / "La fiche et ses versions";
    MARKED_ABSENT = "The marked object has no field {field}." / "L'objet marqué n'a pas de champ {field}.";
    GOOD_ROW = "Production, of the newest good version" / "Production, de la plus récente bonne version";
    NO_GOOD_ROW = "No version of this record could be read yet: production has no row of it." / "Aucune version de cette fiche n'a encore pu être lue : la production n'en a aucune ligne.";
    GOOD_IS_GONE = "The newest good version says that the record is gone." / "La plus récente bonne version dit que la fiche a disparu.";
    FED_HOW = "The columns that this field fills are marked." / "Les colonnes que ce champ remplit sont marquées.";
    NEWER = "What newer versions say" / "Ce que disent les versions plus récentes";
    NO_NEWER = "No newer version has come." / "Aucune version plus récente n'est venue.";
    NO_VERSION = "The version is no longer held." / "La version n'est plus gardée.";

    DO_NOTHING_CLOSED = "Nothing: the case is closed." / "Rien : le cas est fermé.";
    DO_NOTHING_DISMISSED = "Nothing. gazelle-sync errors retry {id} tries it again." / "Rien. gazelle-sync errors retry {id} l'essaie de nouveau.";
    DO_WAIT_NEXT_RUN = "Nothing: the next run writes it to production." / "Rien : la prochaine exécution l'écrit en production.";
    DO_LOOK_PARENT = "Look at its parent, which is not in production either." / "Regardez la fiche parente, qui n'est pas en production non plus.";
    DO_WAIT_ASKED = "Nothing at first: the next sync asks Gazelle for the parent. If Gazelle does not know it, correct {field} there." / "Rien d'abord : la prochaine synchronisation demande la fiche parente à Gazelle. Si Gazelle ne la connaît pas, corrigez {field} là-bas.";
    DO_FILL_IN = "Fill in {field} in Gazelle: the next sync closes the case." / "Remplissez {field} dans Gazelle : la prochaine synchronisation ferme le cas.";
    DO_CORRECT = "Correct {field} in Gazelle: the next sync closes the case." / "Corrigez {field} dans Gazelle : la prochaine synchronisation ferme le cas.";
    DO_UNBLOCK = "Correct the record in Gazelle, or what stands in the way in the database (a constraint of your own?), then gazelle-sync errors retry {id}." / "Corrigez la fiche dans Gazelle, ou ce qui fait obstacle dans la base (une contrainte à vous?), puis gazelle-sync errors retry {id}.";
    DO_AT_SOURCE = "Open the record in Gazelle and correct {field}, or ask Gazelle's support. Each sync asks again; until then the last whole version stays." / "Ouvrez la fiche dans Gazelle et corrigez {field}, ou demandez au soutien de Gazelle. Chaque synchronisation redemande; d'ici là, la dernière version complète reste.";
    DO_WRITE_AGAIN = "Write {field} again in Gazelle: the next sync closes the case." / "Réécrivez {field} dans Gazelle : la prochaine synchronisation ferme le cas.";
    DO_WAIT_LOOKUP = "Nothing at first: one of the next syncs asks for it alone." / "Rien d'abord : une des prochaines synchronisations la demande seule.";
    DO_UPDATE = "Look at the raw record, and update the program." / "Regardez la fiche brute, et mettez le programme à jour.";
    OR_DISMISS = "If it can stay out of production: gazelle-sync errors dismiss {id} --reason TEXT." / "Si elle peut rester hors de la production : gazelle-sync errors dismiss {id} --reason TEXTE.";
}
