//! The sentences of `demo`.

use crate::words::sentence::sentences;

sentences! {
    FULL = "1. A full sync of a made-up shop" / "1. Une synchronisation complète d'un atelier inventé";
    CHANGES = "2. A few things change at the source, then an incremental sync" / "2. Quelques changements à la source, puis une synchronisation incrémentale";
    CHANGE = "change" / "changement";
    BEFORE = "before" / "avant";
    NOW = "now in production" / "maintenant en production";
    DAY = "3. A technician's day, in Montréal time: {technician}, {date}" / "3. La journée d'un technicien, à l'heure de Montréal : {technician}, {date}";
    SPOT = "Stored in UTC, shown in Montréal time:" / "Enregistré en UTC, affiché à l'heure de Montréal :";
    WHERE = "4. Where it is, and how to look further" / "4. Où c'est, et comment regarder plus loin";
    DATA_FOLDER = "data folder" / "dossier";
    QUARANTINE = "quarantine" / "quarantaine";
    YOUR_OWN = "your own data" / "vos données";
    OTHER_FOLDER = "another-folder" / "autre-dossier";
    DASHBOARD_OPEN = "5. The dashboard, until Ctrl-C; an appointment moves every minute" / "5. Le tableau de bord, jusqu'à Ctrl-C; un rendez-vous est déplacé chaque minute";
    DASHBOARD = "dashboard" / "tableau";

    TIME = "time" / "heure";
    TITLE = "title" / "titre";
    CLIENT = "client" / "client";
    CONTACT = "contact" / "contact";
    ADDRESS = "address" / "adresse";
    PIANOS = "pianos" / "pianos";
    STORED = "stored (UTC)" / "en UTC";

    MOVED = "appointment moved by 1 h 30" / "rendez-vous déplacé de 1 h 30";
    REASSIGNED = "appointment given to another technician" / "rendez-vous confié à un autre technicien";
    CANCELLED = "appointment cancelled" / "rendez-vous annulé";
    ADDED = "appointment added, for a client created a minute ago" / "rendez-vous ajouté, pour un client créé il y a une minute";
    CLIENT_ADDED = "client added" / "client ajouté";
    CLIENT_RENAMED = "client renamed" / "client renommé";
}
