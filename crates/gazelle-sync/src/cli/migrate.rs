//! Arguments of `migrate`.

use clap::Args;

/// Flags of `migrate`.
#[derive(Debug, Clone, Default, Args)]
pub struct MigrateArgs {
    /// List what would be done, without doing it
    #[arg(long)]
    pub dry_run: bool,
    /// Create roles for owner, sync and readers, each with the least rights it needs
    #[arg(long, conflicts_with = "from_v5")]
    pub roles: bool,
    /// Role that owns the tables; nobody logs in as it [default: gazelle_owner]
    #[arg(long, value_name = "NAME", requires = "roles")]
    pub owner_role: Option<String>,
    /// Role that the sync logs in as [default: gazelle_sync]
    #[arg(long, value_name = "NAME", requires = "roles")]
    pub sync_role: Option<String>,
    /// Role to grant to readers [default: gazelle_reader]
    #[arg(long, value_name = "NAME", requires = "roles")]
    pub reader_role: Option<String>,
    /// Migrate from the old system: move its tables into a backup schema and create ours in their place
    #[arg(long)]
    pub from_v5: bool,
    /// Undo --from-v5: restore the old tables exactly, and keep ours in another schema
    #[arg(long, requires = "from_v5")]
    pub back: bool,
    /// Schema for the old tables [default: gazelle_v5]
    #[arg(long, value_name = "NAME", requires = "from_v5")]
    pub backup_schema: Option<String>,
}
