//! The database: roles, migrations, poolers, encryption, trouble, and what was there before us.

mod access;
mod bound_before;
mod citus;
mod creating;
mod database_answers;
mod database_shape;
mod database_trouble;
mod every_command;
mod from_v5;
mod from_v5_rights;
mod heavy_json;
mod hostile_database;
mod hostile_settings;
mod members;
mod mighty_roles;
mod planted_functions;
mod pooler;
mod roles;
mod statements_sent;
mod superusers;
mod superusers_bound;
mod superusers_rights;
mod there_first;
mod timeouts;
mod tls;
