//! What is said of feeds: on the page that makes their links, in the calendars, and in the feeds of changes.

use super::sentence::sentences;

sentences! {
    TITLE = "Visits in a calendar" / "Les visites dans un agenda";
    WHAT = "A calendar on a phone or computer can show a technician's visits by a link: those of the last {back} days and the next {ahead}, with addresses, phone numbers and pianos, without notes. It reads them again by itself, every few hours as a rule." / "L'agenda d'un téléphone ou d'un ordinateur peut montrer les visites d'un technicien par un lien : celles des {back} derniers jours et des {ahead} prochains, avec adresses, téléphones et pianos, sans les notes. Il les relit de lui-même, d'ordinaire toutes les quelques heures.";
    MAKE = "Make a link" / "Créer un lien";
    IN_USE = "Links" / "Liens";
    NONE = "No link was made yet." / "Aucun lien n'a encore été créé.";
    MADE = "made {at}" / "créé le {at}";
    MADE_BY = "made {at} by {name}" / "créé le {at} par {name}";
    REVOKED = "revoked {at}" / "révoqué le {at}";
    REVOKED_BY = "revoked {at} by {name}" / "révoqué le {at} par {name}";
    USED = "In use" / "En service";
    OFF = "Revoked" / "Révoqué";
    REVOKE = "Revoke" / "Révoquer";
    REVOKE_ONE = "Revoke the link of {name} made {at}" / "Révoquer le lien de {name} créé le {at}";
    LINK_FOR = "Link to the visits of {name}" / "Lien vers les visites de {name}";
    ONCE = "It is shown this once. Whoever has it can read these visits and what changed in them until it is revoked, so give it to {name} alone." / "Il n'est montré que cette fois. Qui l'a peut lire ces visites et ce qui y a changé jusqu'à ce qu'il soit révoqué : ne le donnez qu'à {name}.";
    HOW_IPHONE = "iPhone, iPad: Calendar, Calendars, Add Calendar, Add Subscription Calendar." / "iPhone, iPad : Calendrier, Calendriers, Ajouter un calendrier, Ajouter un calendrier avec abonnement.";
    HOW_GOOGLE = "Google Calendar, in a browser: Other calendars, From URL." / "Google Agenda, dans un navigateur : Autres agendas, À partir de l'URL.";
    HOW_OUTLOOK = "Outlook: Add calendar, Subscribe from web." / "Outlook : Ajouter un calendrier, S'abonner à partir du web.";
    LABEL = "Link for the calendar" / "Lien pour l'agenda";
    CHANGES_LABEL = "Link for a feed reader (Atom)" / "Lien pour un lecteur de flux (Atom)";
    CHANGES_WHAT = "The same link with another ending opens a feed of what changed in these visits in the last {back} days: what is new, moved, reassigned, cancelled, back or gone. It is revoked together with the calendar." / "Le même lien, avec une autre terminaison, ouvre un flux de ce qui a changé dans ces visites au cours des {back} derniers jours : ce qui est nouveau, déplacé, réattribué, annulé, rétabli ou disparu. Il est révoqué en même temps que l'agenda.";
    TO_FEEDS = "To the links" / "Vers les liens";
    TOO_MANY = "This technician has {n} link in use: revoke it first." / "Ce technicien a {n} lien en service : révoquez-le d'abord.", "This technician has {n} links in use: revoke one first." / "Ce technicien a {n} liens en service : révoquez-en un d'abord.";

    CANCELLED = "Cancelled: {title}" / "Annulé : {title}";
    CHANGES_OF = "Changes in the visits of {name}" / "Changements dans les visites de {name}";
    CHANGE = "{kind}: {what}" / "{kind} : {what}";
    VISITS_OF = "Visits of {name}" / "Visites de {name}";
}
