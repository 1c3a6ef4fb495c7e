//! The sentences of Search.

use super::sentence::sentences;

sentences! {
    QUESTION = "Name, address, telephone, serial number, title or id" / "Nom, adresse, téléphone, numéro de série, titre ou identifiant";
    SEARCH = "Search" / "Chercher";
    ANY_TIME = "Look among appointments of any time too" / "Chercher aussi parmi les rendez-vous de tout temps";
    BOUNDED = "Appointments of the last and the next 24 months." / "Rendez-vous des 24 derniers et des 24 prochains mois.";
    SHOW_ANY_TIME = "Show those of any time" / "Montrer ceux de tout temps";
    HOW = "Case and accents make no difference; of a telephone number the digits count; an id opens its record." / "Ni les majuscules ni les accents ne comptent; d'un numéro de téléphone, les chiffres comptent; un identifiant ouvre sa fiche.";
    TOO_SHORT = "Two letters at least." / "Au moins deux lettres.";
    NONE = "Nothing was found for this." / "Rien n'a été trouvé pour cela.";
    NONE_MORE = "The copy holds what Gazelle had at the last complete read. Use fewer words for more results." / "La copie contient ce que Gazelle avait à la dernière lecture complète. Moins de mots donnent plus de résultats.";
    FOUND = "{n} found" / "{n} trouvée", "{n} found" / "{n} trouvées";
    FOUND_MORE = "More than {n} found" / "Plus de {n} trouvées";
    GROUP_COUNT = "{n}" / "{n}";
    GROUP_FIRST = "the first {n}" / "les {n} premières";
    CLIENTS = "Clients" / "Clients";
    CONTACTS = "Contacts" / "Contacts";
    ADDRESSES = "Addresses" / "Adresses";
    PIANOS = "Pianos" / "Pianos";
    APPOINTMENTS = "Appointments" / "Rendez-vous";
    HELD = "Only in quarantine" / "Seulement en quarantaine";
    NO_NAME = "Without a name" / "Sans nom";
}
