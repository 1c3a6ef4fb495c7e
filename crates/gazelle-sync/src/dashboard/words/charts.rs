//! The sentences of the charts.

use super::sentence::sentences;

sentences! {
    DAY = "Day" / "Jour";
    HOUR = "Hour" / "Heure";
    TOTAL = "Since the first day" / "Depuis le premier jour";

    CHANGED = "Changed records in each run" / "Fiches changées par exécution";
    CHANGED_HOW = "Oldest run on the left. Heights grow with the square root of the number. The band is what is usual; a mark at the top or at the bottom says that a run is above or below it." / "La plus ancienne exécution est à gauche. Les hauteurs croissent avec la racine carrée du nombre. La bande est ce qui est habituel; une marque en haut ou en bas dit qu'une exécution est au-dessus ou au-dessous.";
    CHANGED_NONE = "{entity}: no record changed" / "{entity} : aucune fiche changée";
    CHANGED_MOST = "{entity}: at most {n} record changed" / "{entity} : au plus {n} fiche changée", "{entity}: at most {n} records changed" / "{entity} : au plus {n} fiches changées";
    USUAL = "Usual, in 90 of 100 runs of the last 30 days: {low} to {high}." / "Habituel, dans 90 exécutions sur 100 des 30 derniers jours : de {low} à {high}.";
    USUAL_UNKNOWN = "Too few runs within 30 days to say what is usual." / "Trop peu d'exécutions depuis 30 jours pour dire ce qui est habituel.";
    ODD_NONE = "No run changed an unusual number of records." / "Aucune exécution n'a changé un nombre inhabituel de fiches.";
    ODD = "{n} run changed an unusual number of records." / "{n} exécution a changé un nombre inhabituel de fiches.", "{n} runs changed an unusual number of records." / "{n} exécutions ont changé un nombre inhabituel de fiches.";
    ABOVE = "more than usual" / "plus que d'habitude";
    BELOW = "fewer than usual" / "moins que d'habitude";

    LANES_ALL = "{n} request within {span}" / "{n} requête en {span}", "{n} requests within {span}" / "{n} requêtes en {span}";
    LANES_SOME = "Requests {first} to {last} of {all}, within {span}" / "Requêtes {first} à {last} sur {all}, en {span}";
    LANES_NO_RETRY = "none was tried again" / "aucune n'a été reprise";
    LANES_RETRIED = "{n} was tried again" / "{n} a été reprise", "{n} were tried again" / "{n} ont été reprises";
    LANES_FAILED = "{n} got no answer" / "{n} est restée sans réponse", "{n} got no answer" / "{n} sont restées sans réponse";
    LANES_DESC = "Each bar begins when its request was made and is as long as its last answer took. Requests in the same row follow each other." / "Chaque barre commence quand sa requête est faite et dure autant que sa dernière réponse. Les requêtes d'une même ligne se suivent.";
    LANES_KEY_RETRIED = "Hatched: tried again." / "Hachurée : reprise.";
    LANES_KEY_FAILED = "Outlined: no answer." / "Avec un contour : sans réponse.";
    LANES_OTHERS = "The other requests:" / "Les autres requêtes :";
    LANES_FIRST = "the first ones" / "les premières";
    LANES_NEXT = "the next ones" / "les suivantes";
    MADE_AFTER = "Made after" / "Faite après";
    STAGE_TWO = "Stage 2 took {took}" / "Durée de l'étape 2 : {took}";
    STAGE_TWO_OF = "Stage 2, below: {took}." / "Étape 2, en dessous : {took}.";
    STAGE_TWO_DESC = "One entity after the other, beside stage 1; when each began is not recorded." / "Une entité après l'autre, à côté de l'étape 1; le début de chacune n'est pas noté.";

    HEAT = "Answers of Gazelle, 7 days" / "Réponses de Gazelle, 7 jours";
    HEAT_NONE = "No answer within the last 7 days." / "Aucune réponse depuis 7 jours.";
    HEAT_USUAL = "In the last 24 hours half of the responses took at most {half}, as within 7 days." / "Depuis 24 heures, la moitié des réponses sont venues en {half} ou moins, comme depuis 7 jours.";
    HEAT_SLOWER = "Slower than usual: in the last 24 hours half of the responses took at most {half}, within 7 days {usual}." / "Plus lent que d'habitude : depuis 24 heures, la moitié des réponses sont venues en {half} ou moins, depuis 7 jours {usual}.";
    HEAT_FASTER = "Faster than usual: in the last 24 hours half of the responses took at most {half}, within 7 days {usual}." / "Plus rapide que d'habitude : depuis 24 heures, la moitié des réponses sont venues en {half} ou moins, depuis 7 jours {usual}.";
    HEAT_NOT_TODAY = "No answer in the last 24 hours; within 7 days half of the answers came within {usual}." / "Aucune réponse depuis 24 heures; depuis 7 jours, la moitié des réponses sont venues en {usual} ou moins.";
    HEAT_MORE_THAN = "more than {longest}" / "plus de {longest}";
    HEAT_DESC = "A column for each hour, in local time; a row for each doubling of the time to the last answer, the slowest at the top. The more answers, the stronger and taller the cell. The line is the row of the median." / "Une colonne par heure locale; une ligne par doublement du temps jusqu'à la dernière réponse, les plus lentes en haut. Plus il y a de réponses, plus la case est intense et haute. Le trait est la ligne de la médiane.";
    HEAT_LIMITED = "Only the newest {n} answers are counted." / "Seules les {n} réponses les plus récentes sont comptées.";
    HEAT_COUNTED = "Counted: the requests that were answered, of at most {n} runs." / "Sont comptées les requêtes qui ont eu une réponse, d'au plus {n} exécutions.";
    HEAT_WITHIN = "≤ {ms}" / "≤ {ms}";
    HEAT_BEYOND = "> {ms}" / "> {ms}";

    MOVED = "In and out, 30 days" / "Entrées et sorties, 30 jours";
    MOVED_IN = "In" / "Entrées";
    MOVED_OUT = "Out" / "Sorties";
    MOVED_NONE = "No case was opened or closed within 30 days." / "Aucun cas n'a été ouvert ni fermé depuis 30 jours.";
    MOVED_MORE = "{came} opened and {closed} closed within 30 days: {more} more are open." / "En 30 jours, entrées : {came}, sorties : {closed}. En attente : {more} de plus.";
    MOVED_FEWER = "{came} opened and {closed} closed within 30 days: {fewer} fewer are open." / "En 30 jours, entrées : {came}, sorties : {closed}. En attente : {fewer} de moins.";
    MOVED_EVEN = "{came} opened and as many closed within 30 days." / "En 30 jours, entrées : {came}, et autant de sorties.";
    MOVED_DESC = "Two bars a day: what came into quarantine upwards, what was closed downwards. Heights grow with the square root of the number." / "Deux barres par jour : ce qui est entré en quarantaine vers le haut, ce qui a été fermé vers le bas. Les hauteurs croissent avec la racine carrée du nombre.";

    GROWTH = "Growth of staging, 30 days" / "Croissance du staging, 30 jours";
    GROWTH_NONE = "Staging did not grow within 30 days." / "Le staging n'a pas grandi depuis 30 jours.";
    GROWTH_MORE = "{n} version more than 30 days ago" / "{n} version de plus qu'il y a 30 jours", "{n} versions more than 30 days ago" / "{n} versions de plus qu'il y a 30 jours";
    GROWTH_FEWER = "{n} version fewer than 30 days ago" / "{n} version de moins qu'il y a 30 jours", "{n} versions fewer than 30 days ago" / "{n} versions de moins qu'il y a 30 jours";
    GROWTH_AHEAD = "at this pace {n} more in 30 days." / "à ce rythme, {n} de plus dans 30 jours.", "at this pace {n} more in 30 days." / "à ce rythme, {n} de plus dans 30 jours.";
    GROWTH_LESS_AHEAD = "at this pace {n} fewer in 30 days." / "à ce rythme, {n} de moins dans 30 jours.", "at this pace {n} fewer in 30 days." / "à ce rythme, {n} de moins dans 30 jours.";
    GROWTH_TOO_SHORT = "too few days to tell the pace." / "trop peu de jours pour dire le rythme.";
    GROWTH_NO_LIMIT = "When the disk will be full is not known: the database's size limit is not known here." / "On ignore quand le disque sera plein : la taille limite de la base n'est pas connue ici.";
    GROWTH_DESC = "Versions staged less those dropped, added up since the first day. The dashed line goes on at the average of the whole days after the first day with a run." / "Versions ajoutées moins versions retirées, cumulées depuis le premier jour. Le trait tireté continue à la moyenne des jours entiers qui suivent le premier jour avec une exécution.";
    GROWTH_LIMITED = "The newest {n} runs are counted." / "Les {n} exécutions les plus récentes sont comptées.";
    GROWTH_IN_30 = "in 30 days" / "dans 30 jours";
    GROWTH_TODAY = "today" / "aujourd'hui";
}
