//! Arguments of `migrate`.

use clap::Args;

/// Flags of `migrate`.
#[derive(Debug, Clone, Default, Args)]
pub struct MigrateArgs {
    /// List what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Make a role each for owner, sync and readers, and give each the least it needs
    #[arg(long, conflicts_with = "from_v5")]
    pub roles: bool,
    /// Role that owns the tables; nobody logs in as it [default: gazelle_owner]
    #[arg(long, value_name = "NAME", requires = "roles")]
    pub owner_role: Option<String>,
    /// Role that the sync logs in as [default: gazelle_sync]
    #[arg(long, value_name = "NAME", requires = "roles")]
    pub sync_role: Option<String>,
    /// Role to grant to those who read [default: gazelle_reader]
    #[arg(long, value_name = "NAME", requires = "roles")]
    pub reader_role: Option<String>,
    /// Come from the old system: move its tables into a backup schema and create ours in their place
    #[arg(long)]
    pub from_v5: bool,
    /// Undo --from-v5: the old tables return exactly as they were, ours are kept aside
    #[arg(long, requires = "from_v5")]
    pub back: bool,
    /// Schema for the old tables [default: gazelle_v5]
    #[arg(long, value_name = "NAME", requires = "from_v5")]
    pub backup_schema: Option<String>,
}
