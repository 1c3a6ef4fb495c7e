//! The sentences of `verify` and `doctor`.

use crate::words::sentence::sentences;

sentences! {
    CHECKED = "checked" / "vérifié";
    OF = "of" / "sur";
    DIFFERENCES = "differences" / "différences";
    FROM_STAGING = "production -> rebuilt from staging" / "production -> reconstruit depuis staging";
    FROM_API = "production -> answered by the API" / "production -> répondu par l'API";
    FIGURES = "{rows} rows, {sampled} sampled, {n} difference" / "{rows} lignes, {sampled} dans l'échantillon, {n} différence",
        "{rows} rows, {sampled} sampled, {n} differences" / "{rows} lignes, {sampled} dans l'échantillon, {n} différences";
    EQUAL = "equal as of {at}: {figures}" / "identique à {at} : {figures}";
    INCOMPLETE = "no difference as of {at}, but not everything was compared with the API: {figures}" / "aucune différence à {at}, mais tout n'a pas été comparé avec l'API : {figures}";
    DIFFERENT = "DIFFERENT as of {at}: {figures} (sample repeated with --seed {seed})" / "DIFFÉRENT à {at} : {figures} (le même échantillon : --seed {seed})";
    MORE_DIFFER = "{table}: {n} more row(s) differ" / "{table} : {n} autre(s) ligne(s) diffèrent";
    IS_MISSING = "is missing: production has no such row; rebuilt from staging:" / "manque : la production n'a pas cette ligne; reconstruit depuis staging :";
    IS_SURPLUS = "is surplus: no version in staging gives it; in production:" / "est en trop : aucune version de staging ne la donne; en production :";
    DIFFERS = "differs: in production -> rebuilt from staging" / "diffère : en production -> reconstruit depuis staging";

    OK = "ok" / "ok";
    WARNING = "WARNING" / "ALERTE";
    PROBLEM = "PROBLEM" / "PROBLÈME";
    SUM = "{ok} ok, {warnings} warning(s), {problems} problem(s)" / "{ok} ok, {warnings} alerte(s), {problems} problème(s)";
}
