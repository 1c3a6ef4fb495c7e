//! Arguments of `people`.

use clap::{Args, Subcommand};

use super::help;
use crate::states::Role;

/// `people`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct PeopleArgs {
    /// The action; absent: list.
    #[command(subcommand)]
    pub action: Option<PeopleAction>,
}

/// The actions of `people`.
#[derive(Debug, Clone, Subcommand)]
pub enum PeopleAction {
    /// List who may sign in to the dashboard (default action)
    #[command(after_long_help = help::PEOPLE.more())]
    List,
    /// Invite a person, or give one a new link, and print or mail the link
    #[command(long_about = help::PEOPLE_INVITE.about(), after_long_help = help::PEOPLE.more())]
    Invite {
        /// The name, with which the person signs in
        #[arg(value_name = "NAME")]
        name: String,
        /// What the person may see and do
        #[command(flatten)]
        role: RoleFlags,
        /// Language of the person's pages, en or fr [default: the browser's]
        #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "fr"])]
        language: Option<String>,
        /// Mail the link to this address instead of printing it
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Change the role of a person, who is signed out everywhere
    #[command(after_long_help = help::PEOPLE.more())]
    Role {
        /// The person
        #[arg(value_name = "NAME")]
        name: String,
        /// What the person may see and do
        #[command(flatten)]
        role: RoleFlags,
    },
    /// Keep a person from signing in, until there is a new link
    #[command(after_long_help = help::PEOPLE.more())]
    Disable {
        /// The person
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Sign a person out in every browser
    #[command(after_long_help = help::PEOPLE.more())]
    SignOut {
        /// The person
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// A role, and whose appointments are the person's own.
#[derive(Debug, Clone, Args)]
pub struct RoleFlags {
    /// What the person may see and do
    #[arg(long, value_enum, value_name = "ROLE")]
    pub role: Role,
    /// The person's id at Gazelle (external_id in gazelle_users); required for a technician
    #[arg(long, value_name = "ID", required_if_eq("role", "technician"))]
    pub technician: Option<String>,
}

impl PeopleArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> PeopleAction {
        self.action.unwrap_or(PeopleAction::List)
    }
}
