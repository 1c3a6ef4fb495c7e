//! The sentences of Overview.

use super::sentence::sentences;

sentences! {
    WAITING = "Needs a decision" / "À décider";
    NOTHING_WAITS = "Nothing needs a decision." / "Rien n'attend de décision.";
    QUARANTINE = "{n} record in quarantine" / "{n} fiche en quarantaine",
        "{n} records in quarantine" / "{n} fiches en quarantaine";
    OLDEST = "The oldest came {ago}." / "La plus ancienne : {ago}.";
    SERVICE_PROBLEM = "The service reports a problem" / "Le service signale un problème";

    FRESHNESS = "How old is the data?" / "De quand datent les données?";
    FRESHNESS_LIMIT = "The line marks the limit of {limit} min." / "Le trait marque la limite de {limit} min.";
    ENTITY = "Entity" / "Entité";
    LAST_GOOD = "Last complete read" / "Dernière lecture complète";
    AGE = "Age" / "Âge";
    AGE_AGAINST_LIMIT = "Age against the limit" / "Âge par rapport à la limite";
    HELD = "Held" / "Gardées";
    NEXT_RUN = "Next run: {at}" / "Prochaine exécution : {at}";
    RUNNING_NOW = "A run has been in progress since {at}." / "Une exécution est en cours depuis {at}.";
    BAR_TITLE = "{entity}: {age} old" / "{entity} : {age}";
    BAR_WITHIN = "Within the limit of {limit} min." / "Sous la limite de {limit} min.";
    BAR_BEYOND = "Beyond the limit of {limit} min." / "Au-delà de la limite de {limit} min.";
    BAR_NEVER = "{entity}: never read completely" / "{entity} : jamais lus en entier";

    STRIP = "The last 24 hours" / "Les 24 dernières heures";
    STRIP_RUNS = "{n} run" / "{n} exécution", "{n} runs" / "{n} exécutions";
    STRIP_ALL_WELL = "succeeded" / "réussie", "all succeeded" / "toutes réussies";
    STRIP_FAILED = "{n} failed" / "{n} échouée", "{n} failed" / "{n} échouées";
    STRIP_PARTIAL = "{n} done in part" / "{n} faite en partie", "{n} done in part" / "{n} faites en partie";
    STRIP_INTERRUPTED = "{n} interrupted" / "{n} interrompue", "{n} interrupted" / "{n} interrompues";
    STRIP_MISSED = "{n} was due and did not run" / "{n} était prévue et n'a pas eu lieu",
        "{n} were due and did not run" / "{n} étaient prévues et n'ont pas eu lieu";
    STRIP_DESC = "A bar for each run, by its time; the height is its duration." / "Une barre par exécution, à son heure; la hauteur est sa durée.";
    STRIP_MISSED_KEY = "A tick below: a run was due and did not run." / "Un trait dessous : une exécution était prévue et n'a pas eu lieu.";
    STRIP_NONE = "No run within the last 24 hours." / "Aucune exécution depuis 24 heures.";
    AS_TABLE = "The same as a table" / "La même chose en tableau";

    VERIFY = "Last comparison with Gazelle" / "Dernière comparaison avec Gazelle";
    VERIFY_NONE = "None is recorded: gazelle-sync verify compares every row and prints what differs." / "Aucune n'est notée : gazelle-sync verify compare chaque ligne et montre ce qui diffère.";

    EMPTY = "No sync has run yet" / "Aucune synchronisation n'a encore eu lieu";
    EMPTY_1 = "Give the key of your Gazelle account in GAZELLE_API_KEY, or run gazelle-sync auth login." / "Donnez la clé de votre compte Gazelle dans GAZELLE_API_KEY, ou lancez gazelle-sync auth login.";
    EMPTY_2 = "Run gazelle-sync doctor: it says what is missing." / "Lancez gazelle-sync doctor : il dit ce qui manque.";
    EMPTY_3 = "Leave gazelle-sync serve running: the first full sync starts at once." / "Laissez tourner gazelle-sync serve : la première synchronisation complète part aussitôt.";
}
