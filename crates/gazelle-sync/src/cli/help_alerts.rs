//! The long help of `alerts`.

pub(super) const ALERTS: &str = "\
Show what is wrong and who was told, and try the ways to tell people.

Told is: a run that failed or left something undone; no good run for stale_after_minutes; more than \
alert_errors_per_hour records newly in quarantine within an hour; more than alert_unreadable_per_hour records found with \
a field that cannot be read within an hour; a run in which Gazelle listed nothing; deletions that \
wait for a word; credentials that are refused; a login that is about to end; a change of the API's schema. One message when it begins, a reminder every alert_reminder_minutes, one \
when it is over, in the language of the settings, on every configured channel: Slack (slack_webhook_url), e-mail \
(smtp_url, alert_email_from, alert_email_to), a webhook (alert_webhook_url). deadman_url is called after each good run, \
so that whoever waits there notices when this program is gone.

`serve` looks four times a minute and after each run; `sync` looks once at its end when a channel is configured. What is to be \
said is written into the database first and sent from there: a channel that is down is tried again for a week, and \
nothing is said twice. A database that takes none of it is told on every channel directly: by `serve` after \
alert_database_seconds, by `sync`, `fetch` and `alerts check` at once, which keep in the data folder what they told.

Effects: list only reads; test sends one message on each channel and calls deadman_url, without the database; check \
writes alerts and messages, and sends.";

pub(super) const TEST: &str = "\
Send one test message on every configured channel, and say per channel what happened.

Effects: one message to everybody who would be told, and one call of deadman_url. The database is not touched, so that \
this works before there is one.";

pub(super) const CHECK: &str = "\
Look now what is wrong and send what is due, once, as `serve` does all the time. For those who run `sync` from cron: put \
this beside it, so that somebody notices when no run comes any more.

Effects: opens and closes alerts, writes messages, sends those that are due, calls deadman_url if a good run has \
ended since the last call.";

pub(super) const ALERTS_MORE: &str = "\
Exit status:
  0  done; alerts that are open do not change this
  1  failed: a channel did not take the message, or none is configured (test); the database cannot be used
  2  wrong use, a wrong setting included

Examples:
  gazelle-sync alerts
  gazelle-sync alerts test
  gazelle-sync alerts check --json
  SLACK_WEBHOOK_URL=https://hooks.example.org/services/T/B/x gazelle-sync alerts test";
