//! What the pages say with which people sign in, and the page that invites them.

use super::sentence::sentences;

sentences! {
    SIGN_IN = "Sign in" / "Ouvrir une session";
    NAME = "Name" / "Nom";
    PASSPHRASE = "Passphrase" / "Phrase de passe";
    NO_PASSPHRASE = "No passphrase, or forgotten? An operator can send you a link with which you set one." / "Pas de phrase de passe, ou oubliée? Une personne qui administre peut vous envoyer un lien pour en choisir une.";
    WRONG = "The name or the passphrase is wrong." / "Le nom ou la phrase de passe est incorrect.";
    WAIT = "Too many attempts: wait {n} minute." / "Trop de tentatives : attendez {n} minute.", "Too many attempts: wait {n} minutes." / "Trop de tentatives : attendez {n} minutes.";
    BUSY = "Too many people are signing in right now: try again in a moment." / "Trop de personnes ouvrent une session en ce moment : réessayez dans un instant.";

    WELCOME = "Set your passphrase" / "Choisir votre phrase de passe";
    GREETING = "Hello, {name}. You will sign in with this name and the passphrase that you choose here." / "Bonjour {name}. Vous ouvrirez une session avec ce nom et la phrase de passe que vous choisissez ici.";
    NEW_PASSPHRASE = "New passphrase" / "Nouvelle phrase de passe";
    RULE = "At least {n} character." / "Au moins {n} caractère.", "At least {n} characters; several words are easy to remember and hard to guess." / "Au moins {n} caractères; plusieurs mots sont faciles à retenir et difficiles à deviner.";
    AGAIN = "The same again" / "La même, une seconde fois";
    SET_AND_SIGN_IN = "Set the passphrase and sign in" / "Choisir la phrase de passe et ouvrir la session";
    NOT_THE_SAME = "The two are not the same." / "Les deux ne sont pas identiques.";
    TOO_SHORT = "This passphrase is too short or too uniform." / "Cette phrase de passe est trop courte ou trop uniforme.";
    TOO_LONG = "This passphrase is too long." / "Cette phrase de passe est trop longue.";
    IS_NAME = "This passphrase is little more than your name." / "Cette phrase de passe n'est guère plus que votre nom.";
    GONE = "This link is not valid any more" / "Ce lien n'est plus valide";
    GONE_WHY = "A link works once, within 24 hours, and only the last one that was made. Ask an operator for another." / "Un lien sert une fois, dans les 24 heures, et seul le dernier créé fonctionne. Demandez-en un autre à une personne qui administre.";

    NO_PEOPLE = "Nobody is invited yet" / "Personne n'est encore invité";
    NO_PEOPLE_HOW = "This dashboard shows data to people who sign in. Run this where the service runs; it prints a link for the first person:" / "Ce tableau de bord montre les données aux personnes qui ouvrent une session. Exécutez ceci là où le service tourne; un lien pour la première personne s'affiche :";
    NOT_FOR_ROLE = "This page is not for your role" / "Cette page n'est pas pour votre rôle";
    NOT_FOR_ROLE_WHY = "Ask an operator if you need it." / "Demandez à une personne qui administre si vous en avez besoin.";
    NOT_YOURS = "This is somebody else's day" / "C'est la journée de quelqu'un d'autre";
    NOT_YOURS_WHY = "You see your own appointments." / "Vous voyez vos propres rendez-vous.";
    READ_ONLY = "Nothing is changed here" / "Rien ne se change ici";
    READ_ONLY_LINK = "No passphrase can be set now; the link stays valid until it expires." / "Aucune phrase de passe ne peut être choisie à présent; le lien reste valable jusqu'à sa fin.";
    READ_ONLY_WHY = "The setting dashboard_read_only is on." / "Le réglage dashboard_read_only est activé.";
    DEMO_HAS_NO_PEOPLE = "Nobody signs in here" / "Personne n'ouvre de session ici";
    DEMO_HAS_NO_PEOPLE_WHY = "The demonstration is shown without sign-in, to this machine alone." / "La démonstration se montre sans session, à cet ordinateur seulement.";

    REQUEST_REFUSED = "This request was refused" / "Cette demande est refusée";
    MISDIRECTED = "Ask for this address by 127.0.0.1, localhost or the setting public_url." / "Demandez cette adresse par 127.0.0.1, localhost ou le réglage public_url.";
    ELSEWHERE = "A page of another address may not ask this." / "Une page d'une autre adresse ne peut pas demander cela.";
    BY_PROXY = "The demonstration is shown to this machine alone." / "La démonstration se montre à cet ordinateur seulement.";
    NO_DEMO = "The database is no longer the demonstration's: load the page again." / "La base n'est plus celle de la démonstration : rechargez la page.";
    HOSTS = "A request has one Host header." / "Une demande a un seul en-tête Host.";
    NO_NUL = "An address holds no NUL character." / "Une adresse ne contient aucun caractère NUL.";
    OTHER_METHOD = "This address is not asked for in this way." / "Cette adresse ne se demande pas de cette façon.";
    NO_FORM = "The request cannot be read: it may come from an older page. Load the page again." / "La demande est illisible : elle vient peut-être d'une page plus ancienne. Rechargez la page.";
    FORM_TOO_LONG = "The form is too long." / "Le formulaire est trop long.";
    FORM_TOO_LATE = "The form did not arrive completely in time. Send it again." / "Le formulaire n'est pas arrivé en entier à temps. Envoyez-le de nouveau.";
    SIGN_IN_FIRST = "The session has ended. Sign in again, then repeat what you did." / "La session a pris fin. Ouvrez-en une, puis refaites ce que vous faisiez.";

    ME = "My account" / "Mon compte";
    ROLE = "Role" / "Rôle";
    TECHNICIAN = "Technician" / "Technicien";
    OFFICE = "Office" / "Bureau";
    OPERATOR = "Operator" / "Administration";
    TECHNICIAN_ID = "Technician at Gazelle" / "Technicien chez Gazelle";
    LANGUAGE = "Language" / "Langue";
    KEEP = "Save" / "Enregistrer";
    UPDATES = "Updates of open pages" / "Mises à jour des pages ouvertes";
    UPDATES_HOW = "An open page shows what is new without being reloaded. This choice holds for this browser." / "Une page ouverte montre ce qui est nouveau sans être rechargée. Ce choix vaut pour ce navigateur.";
    UPDATES_ON = "On" / "Activées";
    UPDATES_OFF = "Paused" / "Suspendues";
    SIGN_OUT_EVERYWHERE = "Sign out everywhere" / "Fermer toutes les sessions";
    SIGN_OUT_EVERYWHERE_WHY = "Ends your session here and in every other browser." / "Ferme votre session ici et dans tous les autres navigateurs.";

    STATE = "State" / "État";
    INVITED = "Invited" / "Invité";
    LINK_EXPIRED = "Link expired" / "Lien expiré";
    ACTIVE = "Can sign in" / "Peut ouvrir une session";
    DISABLED = "Disabled" / "Désactivé";
    LAST_SIGN_IN = "Last signed in" / "Dernière session";
    SESSIONS = "Sessions" / "Sessions";
    INVITE = "Invite somebody" / "Inviter quelqu'un";
    INVITE_BUTTON = "Create a link" / "Créer un lien";
    NO_TECHNICIAN = "none" / "aucun";
    BROWSERS_LANGUAGE = "the browser's" / "celle du navigateur";
    LINK_FOR = "Link for {name}" / "Lien pour {name}";
    LINK_ONCE = "It is shown this once. Send it to {name} alone: whoever opens it first sets the passphrase. It works until {until}." / "Il n'est montré que cette fois. Envoyez-le à {name} seulement : la première personne qui l'ouvre choisit la phrase de passe. Il fonctionne jusqu'à {until}.";
    LINK_LABEL = "One-time link" / "Lien à usage unique";
    TO_PEOPLE = "To the list of people" / "Vers la liste des personnes";
    CHANGE_ROLE = "Change the role" / "Changer le rôle";
    CHANGE_ROLE_WHY = "Signs {name} out everywhere." / "Ferme toutes les sessions de {name}.";
    NEW_LINK = "New link" / "Nouveau lien";
    NEW_LINK_WHY = "For a forgotten passphrase, or to enable {name} again. The passphrase set before stays until the link is used; sessions end now." / "Pour une phrase de passe oubliée, ou pour réactiver {name}. La phrase de passe d'avant reste jusqu'à ce que le lien serve; les sessions se ferment maintenant.";
    DISABLE = "Disable" / "Désactiver";
    DISABLE_WHY = "{name} is signed out and cannot sign in any more, until there is a new link." / "Les sessions de {name} se ferment et aucune ne s'ouvre plus, jusqu'à un nouveau lien.";
    SIGN_OUT_PERSON_WHY = "Ends {name}'s sessions in every browser." / "Ferme les sessions de {name} dans tous les navigateurs.";
    THIS_IS_YOU = "This is you: another operator, or the command line, changes your role or disables you." / "C'est vous : une autre personne qui administre, ou la ligne de commande, change votre rôle ou vous désactive.";
    REFUSED = "This was not done" / "Cela n'a pas été fait";
    NAME_TAKEN = "Somebody has this name already. A new link and another role are given on that person's page." / "Quelqu'un porte déjà ce nom. Un nouveau lien et un autre rôle se donnent sur la page de cette personne.";
    SEE_PERSON = "To that person" / "Vers cette personne";
    BAD_NAME = "A name has 1 to 80 characters, all visible." / "Un nom a de 1 à 80 caractères, tous visibles.";
    TECHNICIAN_MISSING = "A technician needs the id of a technician at Gazelle." / "Un technicien doit avoir l'identifiant d'un technicien de Gazelle.";
    TECHNICIAN_UNKNOWN = "No technician with this id is stored." / "Aucun technicien avec cet identifiant n'est conservé.";
}
