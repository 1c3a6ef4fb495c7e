//! `serve`: HTTP, alerts, metrics, deployment.

mod alert_delivery;
mod alert_direct;
mod alert_mail;
mod alert_refused;
mod alert_soak;
mod alerts;
mod dashboard;
mod dashboard_actions;
mod dashboard_changes;
mod dashboard_changes_of_runs;
mod dashboard_charts;
mod dashboard_entry;
mod dashboard_feeds;
mod dashboard_people;
mod dashboard_records;
mod dashboard_search;
mod dashboard_states;
mod dashboard_troubles;
mod deployment;
mod http_limits;
mod http_methods;
mod monitoring;
mod serve;
mod systemd_secrets;
