//! The most frequent findings of `doctor` in French. The checks write one English line each, which a report keeps; a page in
//! French recognizes those listed here, takes the facts out of them, and says them in French. All others stay as they are.

use super::sentence::Sentence;
use crate::config::Language;

const fn of(en: &'static str, fr: &'static str) -> Sentence {
    Sentence::new(en, fr)
}

/// The names of checks.
#[rustfmt::skip]
pub(crate) const CHECKS: &[Sentence] = &[
    of("database", "base de données"),
    of("TLS to the database", "TLS vers la base"),
    of("connections", "connexions"),
    of("pooler", "pooler"),
    of("locks", "verrous"),
    of("writes", "écritures"),
    of("server account", "compte du serveur"),
    of("migrations", "migrations"),
    of("staging tables", "tables de staging"),
    of("other tables", "autres tables"),
    of("old trigger", "ancien trigger"),
    of("other triggers", "autres triggers"),
    of("additions", "ajouts"),
    of("look-alikes", "homonymes"),
    of("row security", "sécurité des lignes"),
    of("views", "vues"),
    of("as everybody", "en tant que tout le monde"),
    of("creating in the schema", "création dans le schéma"),
    of("triggers", "triggers"),
    of("temporary tables", "tables temporaires"),
    of("as anon", "en tant que anon"),
    of("as authenticated", "en tant que authenticated"),
    of("our own role", "notre propre rôle"),
    of("role in force", "rôle en vigueur"),
    of("owner", "propriétaire"),
    of("database clock", "horloge de la base"),
    of("database time zones", "fuseaux horaires de la base"),
    of("runs", "exécutions"),
    of("last run", "dernière exécution"),
    of("quarantine", "quarantaine"),
    of("deletions", "suppressions"),
    of("open alerts", "alertes ouvertes"),
    of("alert messages", "messages d'alerte"),
    of("alerts: Slack", "alertes : Slack"),
    of("alerts: mail server", "alertes : serveur de courriel"),
    of("alerts: webhook", "alertes : webhook"),
    of("alerts", "alertes"),
    of("heartbeat URL", "URL de signal de vie"),
    of("size", "taille"),
    of("backup", "sauvegarde"),
    of("API: users", "API : techniciens"),
    of("API: clients", "API : clients"),
    of("API: pianos", "API : pianos"),
    of("API: appointments", "API : rendez-vous"),
    of("API clock", "horloge de l'API"),
    of("API", "API"),
    of("time zones", "fuseaux horaires"),
    of("disk", "disque"),
    of("service", "service"),
    of("monitoring", "surveillance"),
];

/// What is found, where it is well or most often is not.
#[rustfmt::skip]
pub(crate) const FINDINGS: &[Sentence] = &[
    of("Postgres {version}, database {database}, schema {schema}, as {user}", "Postgres {version}, base {database}, schéma {schema}, en tant que {user}"),
    of("not needed: a socket of this machine", "inutile : un socket de cette machine"),
    of("not needed: {host} is this machine", "inutile : {host} est cette machine"),
    of("demanded of {host}, its certificate and name verified", "exigé de {host}, son certificat et son nom vérifiés"),
    of("{got} connections are available", "{got} connexions disponibles"),
    of("a transaction pooler is between: nothing here relies on a session", "un pooler de transactions est entre les deux : rien ici ne repose sur une session"),
    of("direct, or a pooler that keeps sessions", "directe, ou un pooler qui garde les sessions"),
    of("no session waits for a lock on our tables", "aucune session n'attend un verrou sur nos tables"),
    of("all {n} are applied", "les {n} sont appliquées"),
    of("all {n} are there, views included", "les {n} sont là, vues comprises"),
    of("missing: {names}", "il manque : {names}"),
    of("neither {trigger} nor {function} is there", "ni {trigger} ni {function} ne sont là"),
    of("none touches our tables", "aucun ne touche nos tables"),
    of("nothing was added to our tables that could refuse a record", "rien n'a été ajouté à nos tables qui pourrait refuser une fiche"),
    of("no function or operator is called like one of the server's", "aucune fonction et aucun opérateur ne porte le nom d'un de ceux du serveur"),
    of("on for every table of ours", "active pour chacune de nos tables"),
    of("run with the rights of whoever reads them", "s'exécutent avec les droits de qui les lit"),
    of("nothing of ours is granted to PUBLIC", "rien de nôtre n'est accordé à PUBLIC"),
    of("neither everybody nor a role that only fills or reads the tables may create in the schema {schema}", "ni tout le monde ni un rôle qui ne fait que remplir ou lire les tables ne peut créer dans le schéma {schema}"),
    of("only the owner of a table of ours may add one to it", "seul le propriétaire d'une de nos tables peut lui en ajouter un"),
    of("may be made, as verify, replay and undo need", "peuvent être créées, comme l'exigent verify, replay et undo"),
    of("there is no role {role} in this database", "il n'y a pas de rôle {role} dans cette base"),
    of("refused at every table and view of ours", "refusé à chacune de nos tables et de nos vues"),
    of("the embedded server is reached by this machine's own account alone", "seul le compte de cette machine atteint le serveur intégré"),
    of("{role} owns nothing of ours and is bound by row security", "{role} ne possède rien de nôtre et est soumis à la sécurité des lignes"),
    of("{role} is a superuser: more than a sync needs", "{role} est superutilisateur : plus qu'il n'en faut pour synchroniser"),
    of("{role} owns the tables and may log in", "{role} possède les tables et peut se connecter"),
    of("the database's clock and this machine's agree", "l'horloge de la base et celle de cette machine concordent"),
    of("the API's clock and this machine's agree", "l'horloge de l'API et celle de cette machine concordent"),
    of("the database knows the hour of {n} instants", "la base connaît l'heure de {n} instants"),
    of("this program knows the hour of {n} instants", "ce programme connaît l'heure de {n} instants"),
    of("the last good one ended {age} ago", "la dernière bonne a pris fin il y a {age}"),
    of("none was good yet", "aucune n'a encore été bonne"),
    of("`{command}` succeeded", "`{command}` a réussi"),
    of("empty", "vide"),
    of("{n} record(s) are not in production", "{n} fiche(s) hors de la production"),
    of("none awaits approval", "aucune n'attend d'accord"),
    of("{n} deletion(s) await approval", "{n} suppression(s) attendent un accord"),
    of("none was sent yet", "aucun n'a encore été envoyé"),
    of("none", "aucune"),
    of("told by {channels}; gazelle-sync alerts test (sends one message on every channel)", "annoncées par {channels}; gazelle-sync alerts test (envoie un message sur chaque canal)"),
    of("nobody is notified of problems", "personne n'est prévenu des problèmes"),
    of("nobody is notified if this machine stops", "personne n'est prévenu si cette machine s'arrête"),
    of("{place} takes connections", "{place} accepte les connexions"),
    of("the last one was sent {age} ago", "le dernier a été envoyé il y a {age}"),
    of("the database holds {size}", "la base contient {size}"),
    of("none is known here (on Supabase its dashboard lists them: Database, Backups)", "aucune n'est connue ici (sur Supabase, son tableau de bord les liste : Database, Backups)"),
    of("the server archived its log (WAL) {age} ago", "le serveur a archivé son journal (WAL) il y a {age}"),
    of("{place} answers and takes our credentials", "{place} répond et accepte notre accès"),
    of("a page is readable: {n} of {all} in {time}", "une page est lisible : {n} sur {all} en {time}"),
    of("a page is readable: {n} in {time}", "une page est lisible : {n} en {time}"),
    of("{size} free for tokens in {folder}", "{size} libres pour les jetons dans {folder}"),
    of("{size} free for the embedded database in {folder}", "{size} libres pour la base intégrée dans {folder}"),
    of("runs: it has run these checks", "il tourne : il a fait ces vérifications"),
    of("none answers at {address}: nothing syncs by itself", "aucun ne répond à {address} : rien ne se synchronise tout seul"),
    of("nobody has read the metrics since the service started", "personne n'a lu les mesures depuis le démarrage du service"),
    of("the metrics were read {age} ago", "les mesures ont été lues il y a {age}"),
];

/// What to do about a finding.
#[rustfmt::skip]
pub(crate) const REMEDIES: &[Sentence] = &[
    of("{command}; then log in as gazelle_sync in DATABASE_URL", "{command}; puis mettez gazelle_sync dans DATABASE_URL"),
    of("{command}, which hands them to a role that nobody logs in as", "{command}, qui les remet à un rôle dont personne ne se sert pour se connecter"),
    of("pg_dump as docs/runbook.md says, daily, into a folder named by GAZELLE_SYNC_BACKUP_DIR", "pg_dump comme dit docs/fr/runbook.md, chaque jour, dans un dossier que nomme GAZELLE_SYNC_BACKUP_DIR"),
    of("set SLACK_WEBHOOK_URL, or SMTP_URL with ALERT_EMAIL_FROM and ALERT_EMAIL_TO, or ALERT_WEBHOOK_URL; then gazelle-sync alerts test", "définissez SLACK_WEBHOOK_URL, ou SMTP_URL avec ALERT_EMAIL_FROM et ALERT_EMAIL_TO, ou ALERT_WEBHOOK_URL; puis gazelle-sync alerts test"),
    of("set DEADMAN_URL to a heartbeat service that raises an alarm when calls cease", "définissez DEADMAN_URL : un service de signal de vie qui sonne l'alarme quand les appels cessent"),
    of("systemctl start gazelle-sync, or gazelle-sync serve", "systemctl start gazelle-sync, ou gazelle-sync serve"),
];

/// A remedy in French; none for one that is not listed.
pub(crate) fn remedy(english: &str) -> Option<String> {
    let said = french(REMEDIES, english)?;
    Some(said.replace("(as an administrator)", "(en administrateur)"))
}

/// The name of a check in French; none for one that is not listed.
pub(crate) fn check(english: &str) -> Option<String> {
    french(CHECKS, english)
}

/// A finding in French; none for one that is not listed.
pub(crate) fn finding(english: &str) -> Option<String> {
    french(FINDINGS, english)
}

fn french(catalogue: &[Sentence], english: &str) -> Option<String> {
    let said = catalogue.iter().find_map(|sentence| Some((sentence, sentence.facts_of(english)?)))?;
    Some(said.0.fill(Language::Fr, &said.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::rules;

    #[test]
    fn a_finding_is_recognized_with_its_facts_and_any_other_stays_as_it_is() {
        for (english, french) in [
            ("all 34 are there, views included", Some("les 34 sont là, vues comprises")),
            ("a page is readable: 5 of 6 in 12 ms", Some("une page est lisible\u{a0}: 5 sur 6 en 12 ms")),
            ("a page is readable: 2 in 12 ms", Some("une page est lisible\u{a0}: 2 en 12 ms")),
            ("`replay --dry-run` succeeded", Some("`replay --dry-run` a réussi")),
            ("none", Some("aucune")),
            ("none of 8 at once is to be had: refused", None),
            ("all are there, views included", None),
            ("", None),
        ] {
            assert_eq!(finding(english).as_deref(), french, "{english}");
        }
        assert_eq!(check("API: pianos").as_deref(), Some("API\u{a0}: pianos"));
        assert_eq!(check("API: trombones"), None);
        // A fact is passed on as it is, even if it looks like a place.
        assert_eq!(finding("missing: {names}").as_deref(), Some("il manque\u{a0}: {names}"));
    }

    /// An English sentence that a check no longer writes would never be said in French again.
    #[test]
    fn every_english_sentence_is_one_that_a_check_writes() {
        let code = rules::text_below("src/doctor", &["rs"]);
        // A text goes on in the next line of the code.
        let code: String = code.split("\\\n").map(str::trim_start).collect();
        for sentence in CHECKS.iter().chain(FINDINGS).chain(REMEDIES) {
            let [english, _] = sentence.both();
            for piece in english.split(['{', '}']).step_by(2) {
                let is_written = rules::is_written(&code, piece.trim(), 3);
                assert!(is_written || english.starts_with("API: "), "{piece:?} of {english:?}");
            }
        }
    }
}
