//! Words for the names of made-up people, streets, pianos and notes. Any resemblance to real people is
//! coincidental.

pub(super) const FIRST_NAMES: &[&str] = &[
    "Élise",
    "Zoé",
    "Noëlle",
    "François",
    "Jérôme",
    "Loïc",
    "Anaïs",
    "Benoît",
    "Maëlle",
    "Jean-Sébastien",
    "Gaétan",
    "Océane",
    "Théo",
    "Mireille",
    "D'Arcy",
    "Léonie",
    "Hélène",
    "Aimé",
    "Raphaëlle",
    "Ugo",
    "Chloé",
    "Étienne",
    "Marguerite",
    "Solange",
    "Björn",
    "Nguyệt",
    "Wei 伟",
];

pub(super) const LAST_NAMES: &[&str] = &[
    "Desmarteaux",
    "L'Accordeur",
    "Grandtouche",
    "Pédalier",
    "St-Diapason",
    "O'Clavier",
    "Feutrine",
    "Cordelier",
    "Chevalet-Roy",
    "de la Gamme",
    "Bémol",
    "Dièse",
    "Bécarre",
    "Harmonique",
    "Sourdine",
    "Étouffoir",
    "Sillet",
    "Marteau dit Doucet",
    "Ébène",
    "Ivoirien",
    "Tabledharmonie",
    "Quintefausse",
    "Métronome",
    "Arpège",
];

pub(super) const COMPANIES: &[&str] = &[
    "École de musique des Érables",
    "Salle \"Le Grand Marteau\"",
    "Théâtre de l'Étincelle",
    "Église Saint-Diapason",
    "Studio C\\minor",
    "Conservatoire fictif",
    "Hôtel du Vieux Métronome",
    "Collège des Quatre-Vents 🎹",
    "Centre d'art L'Oreille",
    "Résidence Les Touches d'Ivoire",
    "Bar & Piano «Chez Ut»",
];

pub(super) const STREETS: &[&str] = &[
    "rue du Gros-Merle",
    "avenue des Trois-Marteaux",
    "boulevard de l'Octave",
    "chemin de la Côte-au-Clavier",
    "place d'Armure",
    "rue Sainte-Quinte",
    "avenue de l'Érable-Penché",
    "montée du Contre-ut",
    "rang du Petit-Bémol",
];

pub(super) const TOWNS: &[(&str, &str, i32, i32)] = &[
    ("Montréal", "H2X", 45_508, -73_587),
    ("Laval", "H7N", 45_606, -73_712),
    ("Longueuil", "J4H", 45_531, -73_518),
    ("Saint-Lambert", "J4P", 45_500, -73_517),
    ("L'Île-Perrot", "J7V", 45_383, -73_950),
    ("Trois-Rivières", "G9A", 46_343, -72_543),
    ("Sainte-Anne-de-Bellevue", "H9X", 45_403, -73_952),
];

pub(super) const MAKES: &[(&str, &[&str])] = &[
    ("Yamaha", &["U1", "U3", "C3", "C7", "GB1K"]),
    ("Steinway & Sons", &["D", "B", "O", "K-52"]),
    ("Kawai", &["K-300", "RX-2", "GL-10"]),
    ("Heintzman", &["Upright", "Grand 5'8\""]),
    ("Lesage", &["Studio", "Console"]),
    ("Willis & Co.", &["Droit"]),
    ("Bösendorfer", &["225", "Impérial 290"]),
    ("Pleyel", &["P131"]),
];

pub(super) const PIANO_TYPES: &[&str] = &[
    "UPRIGHT",
    "UPRIGHT",
    "GRAND",
    "GRAND",
    "STUDIO",
    "CONSOLE",
    "SPINET",
    "UNKNOWN",
    "DIGITAL",
    "HYBRID",
    "HARPSICHORD",
    "SQUARE_GRAND",
    "FORTEPIANO",
];

pub(super) const ROOMS: &[&str] =
    &["salon", "sous-sol", "scène", "local 204", "hall d'entrée", "studio B", "2e étage, porte \"C\"", ""];

pub(super) const TITLES: &[&str] = &[
    "Accord annuel",
    "Accord",
    "Accord avant concert",
    "Réglage et harmonisation",
    "Évaluation",
    "Réparation pédale",
    "Accord 442 Hz",
    "Visite d'entretien",
    "Accord + humidité",
    "Livraison / accord",
];

pub(super) const PRIVATE_TITLES: &[&str] =
    &["Dentiste", "Congé", "Réunion d'équipe", "Ménage de l'atelier", "Commande de feutres", "Formation"];

pub(super) const NOTES: &[&str] = &[
    "Code de porte 1234#.",
    "Chien gentil, l'appeler \"Bécarre\".",
    "Stationnement derrière ; entrée par l'atelier.",
    "Apporter la clé de 7 mm\net le diapason.",
    "Chemin réseau : \\\\serveur\\pianos\\clés",
    "Client très matinal 😀🎶",
    "C'est l'été : fenêtre ouverte, accord qui \"bouge\".",
    "Tab\tet retour\r\nde chariot",
    "Ligne\u{2028}séparée et zéro\u{200b}largeur, naïve e\u{301}",
    "'; DROP TABLE pianos; --",
    "",
];

pub(super) const TAGS: &[&str] =
    &["Fidèle", "VIP", "École", "À rappeler", "L'été seulement", "\"Urgent\"", "🎹"];

pub(super) const REGIONS: &[&str] = &["QC", "QC", "QC", "Québec", "ON"];
