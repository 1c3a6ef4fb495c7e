//! What people and scripts type, and what they read: help, errors, settings, the demonstration, manual pages.

mod bad_input;
mod demo;
mod doctor;
mod doctor_surroundings;
mod documented_commands;
mod drift;
mod embedded;
mod foreign_settings_files;
mod found_settings;
mod harmless_text;
mod history;
mod init;
mod logs;
mod manual;
mod outputs;
mod runs;
