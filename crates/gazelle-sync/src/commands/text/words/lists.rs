//! The sentences of `errors list`, `deletions`, `alerts` and `people`.

use crate::words::sentence::sentences;

sentences! {
    ENTITY = "entity" / "entité";
    ENTITY_STATE = "entity, state" / "entité, état";
    ID = "id" / "identifiant";
    STATE = "state" / "état";
    REASON = "reason" / "raison";
    TRIES = "tries" / "essais";
    FIRST_SEEN = "first seen" / "vu d'abord";
    LAST_TRIED = "last tried" / "dernier essai";
    DISMISSED = "{reason}; dismissed: {why}" / "{reason}; écarté : {why}";
    CLOSED = "{reason}; {why}" / "{reason}; {why}";
    NO_SUCH_CASE = "no such record is in quarantine" / "aucun enregistrement de cette sorte n'est en quarantaine";
    NEVER_A_CASE = "no record was ever in quarantine" / "aucun enregistrement n'a jamais été en quarantaine";
    NO_CASE = "the quarantine is empty (--all lists closed cases)" / "la quarantaine est vide (--all liste les cas fermés)";
    LEFT_OUT = "{n} of {all} (--limit N or --limit all shows more)" / "{n} sur {all} (--limit N ou --limit all en montre plus)";
    SHOW_OR_RETRY = "`gazelle-sync errors show ID` prints the record, `errors retry [ID]` retries" / "`gazelle-sync errors show ID` affiche l'enregistrement, `errors retry [ID]` réessaie";

    RETRIED = "{n} record(s) retried" / "{n} enregistrement(s) réessayé(s)";
    WAS_DISMISSED = "dismissed: {id} (the raw record stays in staging)" / "écarté : {id} (l'enregistrement brut reste dans staging)";

    NO_DELETION_EVER = "no deletion was ever detected" / "aucune suppression n'a jamais été détectée";
    NO_DELETION = "no deletion awaits approval" / "aucune suppression n'attend d'accord";
    FOUND_BY = "run {run}, {at}: {n} deletion of {entity}, not listed ({scope}); {getter} answered that it does not exist" / "exécution {run}, {at} : {n} suppression de {entity}, non listée ({scope}); {getter} a répondu que l'enregistrement n'existe pas",
        "run {run}, {at}: {n} deletions of {entity}, not listed ({scope}); {getter} answered that they do not exist" / "exécution {run}, {at} : {n} suppressions de {entity}, non listées ({scope}); {getter} a répondu que les enregistrements n'existent pas";
    MORE_DELETIONS = "and {n} more: gazelle-sync deletions list --json lists all" / "et {n} autre : gazelle-sync deletions list --json les liste toutes",
        "and {n} more: gazelle-sync deletions list --json lists all" / "et {n} autres : gazelle-sync deletions list --json les liste toutes";
    STATE_DELETED = "deleted" / "supprimé";
    STATE_WITHHELD = "withheld" / "retenu";
    STATE_APPROVED = "approved" / "approuvé";
    STATE_DISMISSED = "dismissed" / "gardé";
    STATE_SUPERSEDED = "superseded" / "revu";
    APPROVE = "`gazelle-sync deletions approve RUN` deletes, `dismiss RUN` keeps" / "`gazelle-sync deletions approve RUN` supprime, `dismiss RUN` garde";
    MARKED_DELETED = "{n} record(s) marked deleted" / "{n} enregistrement(s) marqué(s) supprimé(s)";
    KEPT = "{n} record(s) kept" / "{n} enregistrement(s) gardé(s)";
    SEEN_SINCE = "{decided}; {n} are kept, because they have been seen at the source since" / "{decided}; {n} sont gardés, parce qu'ils ont été revus à la source depuis";
    TAKE_BACK = "to take it back: gazelle-sync undo {run}" / "pour l'annuler : gazelle-sync undo {run}";

    NO_OPEN_ALERTS = "no open alerts" / "aucune alerte ouverte";
    NO_CHANNEL = "no channel is configured: nobody is notified (gazelle-sync alerts --help says how)" / "aucun canal n'est configuré : personne n'est prévenu (gazelle-sync alerts --help dit comment)";
    LAST_EVALUATED = "last evaluated {at}" / "dernière évaluation : {at}";
    NOT_EVALUATED = "the conditions are not evaluated: run `gazelle-sync serve`, or `gazelle-sync alerts check`" / "les conditions ne sont pas évaluées : lancez `gazelle-sync serve` ou `gazelle-sync alerts check`";
    ALERT = "alert" / "alerte";
    SINCE = "since" / "depuis";
    UNTIL = "until" / "jusqu'à";
    NOW = "now" / "maintenant";
    WHAT = "what" / "quoi";
    SENT = "sent" / "envois";
    NOT_DELIVERED = "not delivered" / "non livrée";
    CHANNEL = "channel" / "canal";
    WRITTEN = "written" / "écrite";
    NEXT = "next" / "prochain";
    WHY = "why" / "pourquoi";
    GIVEN_UP = "given up" / "abandonnée";
    TAKEN = "taken" / "accepté";
    OK = "ok" / "ok";
    PROBLEM = "problem" / "problème";
    ALERTS_CHECKED = "{opened} alert(s) opened, {closed} closed; {messages} message(s) written, {sent} sent, {failed} not delivered yet (gazelle-sync alerts lists them)" / "{opened} alerte(s) ouverte(s), {closed} fermée(s); {messages} message(s) écrit(s), {sent} envoyé(s), {failed} pas encore livré(s) (gazelle-sync alerts les liste)";

    NOBODY = "nobody is invited to the dashboard: `gazelle-sync people invite NAME --role operator` prints a link for the first person" / "personne n'est invité au tableau de bord : `gazelle-sync people invite NOM --role operator` affiche un lien pour la première personne";
    NAME = "name" / "nom";
    ROLE = "role" / "rôle";
    TECHNICIAN = "technician" / "technicien";
    LAST_SIGNED_IN = "last signed in" / "dernière connexion";
    NEVER = "never" / "jamais";
    SESSIONS = "sessions" / "sessions";
    STATE_INVITED = "invited" / "sans accès encore";
    STATE_ACTIVE = "active" / "a accès";
    STATE_DISABLED = "disabled" / "sans accès";
    IS_INVITED = "{name} ({role}) is invited" / "{name} ({role}) reçoit une invitation";
    HAS_NEW_LINK = "{name} ({role}) was there already, has a new link and is signed out everywhere" / "{name} ({role}) y était déjà : voici un nouveau lien, et ses sessions sont fermées partout";
    VALID_UNTIL = "valid until {until}, once, and shown this once: send it to that person alone" / "valide jusqu'au {until}, une seule fois, et affiché cette seule fois : ne l'envoyez qu'à cette personne";
    WAS_MAILED = "the link was mailed; it is valid until {until}, once" / "le lien est parti par courriel; il est valide jusqu'au {until}, une seule fois";
    ROLE_IS_NOW = "{name} is {role} now, and signed out everywhere" / "{name} a maintenant le rôle {role}, et ses sessions sont fermées partout";
    IS_DISABLED = "{name} is disabled; `gazelle-sync people invite` enables again" / "{name} n'a plus accès; `gazelle-sync people invite` le redonne";
    SESSIONS_ENDED = "{n} session(s) ended" / "{n} session(s) fermée(s)";
}
