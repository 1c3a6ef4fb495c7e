//! The sentences of all messages. `{…}` is replaced by a fact of the condition (`conditions`).

use super::super::kind::Kind;
use crate::config::Language;

/// The sentences for one kind in one language.
pub(super) struct Sentences {
    /// The problem, as a heading.
    pub title: &'static str,
    /// The problem, in full.
    pub now: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// That the problem is over.
    pub over: &'static str,
}

/// The texts common to all kinds.
pub(super) struct Frame {
    pub started: &'static str,
    pub reminder: &'static str,
    pub over: &'static str,
    pub since: &'static str,
    pub never: &'static str,
    pub unknown: &'static str,
    pub test_title: &'static str,
    pub test_body: &'static str,
    pub invitation_title: &'static str,
    pub invitation_before: &'static str,
    pub invitation_after: &'static str,
}

static ENGLISH: Frame = Frame {
    started: "{title}",
    reminder: "Still: {title}",
    over: "Over: {title}",
    since: "Began at {since}; message written at {at}.",
    never: "never",
    unknown: "unknown",
    test_title: "This is a test",
    test_body: "`gazelle-sync alerts test` was run at {at}. There is no problem, and nothing to do.",
    invitation_title: "Your link to the dashboard",
    invitation_before: "Hello, {name}. With this link you set a passphrase for the dashboard and are signed in:",
    invitation_after: "It works once, until {until}. Afterwards you sign in with your name and the passphrase. Whoever has the link can use it: \
                       forward it to nobody. If you expect no such message, leave it alone.",
};

static FRENCH: Frame = Frame {
    started: "{title}",
    reminder: "Toujours : {title}",
    over: "Réglé : {title}",
    since: "Début : {since}; message écrit le {at}.",
    never: "jamais",
    unknown: "inconnu",
    test_title: "Ceci est un essai",
    test_body: "La commande `gazelle-sync alerts test` a été lancée le {at}. Tout va bien; il n'y a rien à faire.",
    invitation_title: "Votre lien vers le tableau de bord",
    invitation_before: "Bonjour {name}. Avec ce lien, vous choisissez une phrase de passe pour le tableau de bord et votre session s'ouvre :",
    invitation_after: "Il sert une fois, jusqu'au {until}. Par la suite, vous ouvrez une session avec votre nom et la phrase de passe. Qui a le lien \
                       peut s'en servir : ne le transférez à personne. Si vous n'attendez pas ce message, ignorez-le.",
};

pub(super) fn frame(language: Language) -> &'static Frame {
    match language {
        Language::En => &ENGLISH,
        Language::Fr => &FRENCH,
    }
}

/// The sentences of a kind.
pub(super) fn of(kind: Kind, language: Language) -> &'static Sentences {
    let [english, french] = both(kind);
    match language {
        Language::En => english,
        Language::Fr => french,
    }
}

fn both(kind: Kind) -> &'static [Sentences; 2] {
    match kind {
        Kind::RecordErrors => &RECORD_ERRORS,
        Kind::UnreadableFields => &UNREADABLE_FIELDS,
        Kind::RunFailed => &RUN_FAILED,
        Kind::RunPartial => &RUN_PARTIAL,
        Kind::Stale => &STALE,
        Kind::NothingFetched => &NOTHING_FETCHED,
        Kind::DeletionsWithheld => &DELETIONS_WITHHELD,
        Kind::CredentialsRefused => &CREDENTIALS_REFUSED,
        Kind::TokenEnding => &TOKEN_ENDING,
        Kind::Drift => &DRIFT,
        Kind::SignInsRefused => &SIGN_INS_REFUSED,
        Kind::Database => &DATABASE,
        Kind::ServiceStuck => &SERVICE_STUCK,
    }
}

static RECORD_ERRORS: [Sentences; 2] = [
    Sentences {
        title: "Many records cannot be reconciled",
        now: "{count:record|records} went into quarantine within an hour ({by_entity}); the limit is {limit}. Their raw versions \
              are kept, and all other records were written.",
        advice: "`gazelle-sync errors` lists them with their reasons, `gazelle-sync errors retry` retries them.",
        over: "Within the last hour no more than {limit} records went into quarantine and stayed there.",
    },
    Sentences {
        title: "Beaucoup de fiches sont refusées",
        now: "{count:fiche a été mise|fiches ont été mises} en quarantaine en une heure ({by_entity}); on prévient au-delà de {limit}. \
              La version brute de chacune est gardée, et toutes les autres ont été écrites.",
        advice: "`gazelle-sync errors` les montre avec leurs raisons, `gazelle-sync errors retry` réessaie.",
        over: "Depuis une heure, pas plus de {limit} fiches ont été mises en quarantaine et y sont restées.",
    },
];

static UNREADABLE_FIELDS: [Sentences; 2] = [
    Sentences {
        title: "Fields of many records cannot be read",
        now: "{count:record was|records were} found with a field that cannot be read within an hour ({by_entity}: {columns}); the \
              limit is {limit}. They are in production without these fields, which are NULL; their raw versions are kept.",
        advice: "`gazelle-sync warnings --code unreadable_field` lists them, with the shape of the value.",
        over: "Within the last hour no more than {limit} records were found with a field that cannot be read.",
    },
    Sentences {
        title: "Des champs de nombreuses fiches sont illisibles",
        now: "{count:fiche a été trouvée|fiches ont été trouvées} en une heure avec un champ illisible ({by_entity} : {columns}); on prévient \
              au-delà de {limit}. Elles sont en production sans ces champs, qui sont NULL; leurs versions brutes sont gardées.",
        advice: "`gazelle-sync warnings --code unreadable_field` les montre, avec la forme de ce qui s'y trouve.",
        over: "Depuis une heure, pas plus de {limit} fiches ont été trouvées avec un champ illisible.",
    },
];

static RUN_FAILED: [Sentences; 2] = [
    Sentences {
        title: "The sync failed",
        now: "The run that began at {run_at} failed: {reason}",
        advice: "`gazelle-sync serve` keeps trying. `gazelle-sync status` shows the last runs (this one: {run_id}).",
        over: "A later run succeeded.",
    },
    Sentences {
        title: "L'exécution a échoué",
        now: "L'exécution commencée le {run_at} a échoué : {reason}",
        advice: "`gazelle-sync serve` continue d'essayer. `gazelle-sync status` montre les dernières (celle-ci : {run_id}).",
        over: "Une exécution plus récente a fait tout ce qui avait échoué.",
    },
];

static RUN_PARTIAL: [Sentences; 2] = [
    Sentences {
        title: "The sync is incomplete",
        now: "The run that began at {run_at} was partial: {reason}",
        advice: "What was written is correct. `gazelle-sync status` shows the last runs (this one: {run_id}).",
        over: "A later run was complete.",
    },
    Sentences {
        title: "L'exécution est incomplète",
        now: "L'exécution commencée le {run_at} est incomplète : {reason}",
        advice: "Ce qui a été écrit est exact. `gazelle-sync status` montre les dernières (celle-ci : {run_id}).",
        over: "Une exécution plus récente a fait tout ce qui manquait.",
    },
];

static STALE: [Sentences; 2] = [
    Sentences {
        title: "The data is out of date",
        now: "The last complete sync: {last_good_at}. That is more than {limit} minutes ago.",
        advice: "Check that `gazelle-sync serve` is running and reaches Gazelle: `gazelle-sync status` shows the last runs.",
        over: "The data is up to date again: a complete sync has ended.",
    },
    Sentences {
        title: "Les données ne sont plus à jour",
        now: "Dernière exécution complète : {last_good_at}. Cela fait plus de {limit} minutes.",
        advice: "Vérifiez que `gazelle-sync serve` tourne et joint Gazelle : `gazelle-sync status` montre les dernières \
                 exécutions.",
        over: "Les données sont de nouveau à jour : une exécution complète a pris fin.",
    },
];

static NOTHING_FETCHED: [Sentences; 2] = [
    Sentences {
        title: "Gazelle listed nothing",
        now: "In the run that began at {run_at}, Gazelle answered and listed nothing of: {entities}. Nothing was deleted.",
        advice: "Check whether Gazelle itself shows the records, and whether the key belongs to the right account.",
        over: "Gazelle lists records again.",
    },
    Sentences {
        title: "Gazelle n'a rien donné",
        now: "Pendant l'exécution commencée le {run_at}, Gazelle a répondu sans rien donner pour : {entities}. Rien \
              n'a été supprimé.",
        advice: "Vérifiez que Gazelle montre bien les fiches, et que la clé est celle du bon compte.",
        over: "Gazelle donne de nouveau des fiches.",
    },
];

static DELETIONS_WITHHELD: [Sentences; 2] = [
    Sentences {
        title: "Deletions await approval",
        now: "{count:record no longer exists|records no longer exist} in Gazelle ({by_entity}), more than are deleted without manual approval. Nothing was deleted.",
        advice: "`gazelle-sync deletions` lists them; `gazelle-sync deletions approve RUN` deletes them, `dismiss RUN` keeps \
                 them.",
        over: "No deletion awaits approval any longer.",
    },
    Sentences {
        title: "Des suppressions attendent votre accord",
        now: "{count:fiche a disparu|fiches ont disparu} de Gazelle ({by_entity}), plus que ce qui est supprimé sans approbation manuelle. \
              Rien n'a été supprimé.",
        advice: "`gazelle-sync deletions` les montre; `gazelle-sync deletions approve RUN` les supprime, `dismiss RUN` les \
                 garde.",
        over: "Plus aucune suppression n'attend.",
    },
];

static CREDENTIALS_REFUSED: [Sentences; 2] = [
    Sentences {
        title: "Gazelle refuses the credentials",
        now: "In the run that began at {run_at}, Gazelle refused the key or the token.",
        advice: "Run `gazelle-sync auth login`, or give a new key in GAZELLE_API_KEY and restart `gazelle-sync serve`.",
        over: "Gazelle accepts the credentials again.",
    },
    Sentences {
        title: "Gazelle refuse l'accès",
        now: "Pendant l'exécution commencée le {run_at}, Gazelle a refusé la clé ou le jeton.",
        advice: "Lancez `gazelle-sync auth login`, ou mettez une nouvelle clé dans GAZELLE_API_KEY et relancez \
                 `gazelle-sync serve`.",
        over: "Gazelle accepte de nouveau l'accès.",
    },
];

static TOKEN_ENDING: [Sentences; 2] = [
    Sentences {
        title: "The login to Gazelle is about to expire",
        now: "The access token is valid until {token_ends_at} and has not been renewed in time.",
        advice: "Run `gazelle-sync auth login` before then. `gazelle-sync auth status` shows the details.",
        over: "The access token has been renewed.",
    },
    Sentences {
        title: "L'accès à Gazelle va prendre fin",
        now: "Le jeton d'accès est valable jusqu'à {token_ends_at}, et n'a pas été renouvelé à temps.",
        advice: "Lancez `gazelle-sync auth login` avant. `gazelle-sync auth status` donne les détails.",
        over: "Le jeton d'accès a été renouvelé.",
    },
];

static DRIFT: [Sentences; 2] = [
    Sentences {
        title: "Gazelle's API has changed",
        now: "The full run that began at {run_at} saw {count:change|changes}: {changes}",
        advice: "What is fetched is kept as it comes, and nothing is lost. Check whether the change matters to you or to \
                 gazelle-sync: `gazelle-sync warnings` lists all of it.",
        over: "A later full run saw no further change.",
    },
    Sentences {
        title: "L'API de Gazelle a changé",
        now: "L'exécution complète commencée le {run_at} a vu {count:changement|changements} : {changes}",
        advice: "Ce qui est récupéré est gardé tel quel, et rien n'est perdu. Voyez si le changement compte pour vous, ou \
                 pour gazelle-sync : `gazelle-sync warnings` les montre tous.",
        over: "Une exécution complète plus récente n'a vu aucun autre changement.",
    },
];

static SIGN_INS_REFUSED: [Sentences; 2] = [
    Sentences {
        title: "Many sign-ins to the dashboard were refused",
        now: "{count:attempt|attempts} to sign in to the dashboard were refused within an hour; an alert is raised from {limit}. Somebody may \
              be guessing names and passphrases. Of each name and each address only a few attempts a minute are tried.",
        advice: "The log of `gazelle-sync serve` names the addresses. `gazelle-sync people` lists who may sign in, and \
                 `gazelle-sync people disable NAME` takes somebody's access away.",
        over: "Within the last hour fewer than {limit} attempts to sign in were refused.",
    },
    Sentences {
        title: "Beaucoup d'ouvertures de session sont refusées",
        now: "{count:tentative|tentatives} d'ouvrir une session dans le tableau de bord ont été refusées en une heure; on prévient à partir de \
              {limit}. Quelqu'un essaie peut-être de deviner des noms et des phrases de passe. Pour chaque nom et chaque adresse, \
              seules quelques tentatives par minute sont examinées.",
        advice: "Le journal de `gazelle-sync serve` donne les adresses. `gazelle-sync people` montre qui peut ouvrir une session, et \
                 `gazelle-sync people disable NOM` met fin à un accès.",
        over: "Depuis une heure, moins de {limit} ouvertures de session ont été refusées.",
    },
];

static DATABASE: [Sentences; 2] = [
    Sentences {
        title: "The database cannot be used",
        now: "Since {since_at} the database accepts no writes: {reason}. The last complete sync: {last_good_at}.",
        advice: "The next run tries again, and nothing is lost. `gazelle-sync doctor` says more. While this lasts, no other \
                 alert can be written.",
        over: "The database accepts writes again.",
    },
    Sentences {
        title: "La base de données est inutilisable",
        now: "Depuis le {since_at}, la base de données n'accepte plus rien : {reason}. Dernière exécution complète : \
              {last_good_at}.",
        advice: "La prochaine exécution réessaiera, et rien n'est perdu. `gazelle-sync doctor` en dit plus. D'ici là, aucune autre \
                 alerte ne peut être notée.",
        over: "La base de données accepte de nouveau les écritures.",
    },
];

static SERVICE_STUCK: [Sentences; 2] = [
    Sentences {
        title: "The sync service hangs",
        now: "`gazelle-sync serve` is running but makes no progress: {reason}",
        advice: "Look at its log and at the database (`gazelle-sync doctor`); restarting the service is safe.",
        over: "The service makes progress again.",
    },
    Sentences {
        title: "Le service de synchronisation est bloqué",
        now: "`gazelle-sync serve` tourne sans avancer : {reason}",
        advice: "Regardez son journal et la base de données (`gazelle-sync doctor`); relancer le service est sans danger.",
        over: "Le service avance de nouveau.",
    },
];
