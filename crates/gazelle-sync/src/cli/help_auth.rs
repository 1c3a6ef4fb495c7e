//! The long help of `auth`.

pub(super) const AUTH: &str = "\
Log in at Gazelle, see until when that is good, log out.

An API key (GAZELLE_API_KEY) is the simple way and wins over everything else. With an application of your own \
(GAZELLE_CLIENT_ID, GAZELLE_CLIENT_SECRET), `auth login` gets tokens, which are refreshed ahead of their end and after a \
refusal; a refreshed token is kept before it is first used. They are kept in tokens.json in the data folder, readable by \
its owner alone, or, where GAZELLE_SYNC_TOKEN_KEY is set, in the database, encrypted with that key. Several \
processes may use them at once.

Effects: those of the action; `auth` alone only reads.";

pub(super) const STATUS: &str = "\
Say what is used, who that is at Gazelle, and until when it is good.

Effects: asks Gazelle one question, which may refresh the token; with --offline none.";

pub(super) const LOGIN: &str = "\
Let a person agree in a browser, and keep the tokens.

Prints an address. Whoever opens it and agrees is sent back to http://127.0.0.1:8789/callback, where this \
command waits. If the browser runs on another machine, that page cannot be shown there: with --paste, copy its address from \
the browser's address line and paste it here.

Effects: replaces the stored tokens; on an empty database, creates its tables if the tokens are kept there.";

pub(super) const LOGOUT: &str = "\
Remove the stored tokens.

Gazelle is not told, since it has no way to be: to end the tokens themselves, remove the application's access in \
Gazelle's settings.

Effects: removes the tokens from the file or the database.";

pub(super) const AUTH_MORE: &str = "\
Exit status:
  0  done; for status: the credentials are good, or with --offline are there and not over
  1  failed: declined, refused, nobody came back, nothing stored, a wrong key
  2  wrong use

Examples:
  gazelle-sync auth
  gazelle-sync auth login
  gazelle-sync auth login --paste
  gazelle-sync auth status --offline --json
  gazelle-sync auth logout
  GAZELLE_SYNC_TOKEN_KEY=$(cat /etc/gazelle-sync/token.key) gazelle-sync auth login";
