//! `completions` and `man`: both are generated from the definition of the command line, so they always match it.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::CommandFactory;
use serde_json::json;

use super::shared::context::Context;
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::display::{self, Lines};

/// The program's name, as shells and `man` know it.
const NAME: &str = "gazelle-sync";

/// Prints the script that completes our commands and flags in a shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(context: &Context, args: &CompletionsArgs) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8(script).context("the completion script is not text")?;
    context.print(&json!({ "shell": args.shell.to_string(), "script": script }), || {
        Lines::with_breaks(&script)
    })?;
    Ok(0)
}

/// Prints the program's manual page, or writes all pages into a folder.
///
/// # Errors
/// Standard output or a file cannot be written.
pub fn man(context: &Context, args: &ManArgs) -> Result<u8> {
    match &args.dir {
        None => {
            let page = page(Cli::command())?;
            context.print(&json!({ "page": page }), || Lines::with_breaks(&page))?;
        }
        Some(folder) => {
            let written = write_pages(folder)?;
            context.print(&json!({ "folder": folder, "pages": written }), || {
                format!("{} manual pages in {}", display::count(written.len() as u64), folder.display())
            })?;
        }
    }
    Ok(0)
}

fn page(command: clap::Command) -> Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    String::from_utf8(page).context("the manual page is not text")
}

/// Writes a page for the program and one for each command and action: `gazelle-sync.1`, `gazelle-sync-sync.1` and
/// so on. Returns their names.
fn write_pages(folder: &Path) -> Result<Vec<String>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), folder)
        .with_context(|| format!("the pages cannot be written into {}", folder.display()))?;
    let mut written = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if name.starts_with(NAME) && name.ends_with(".1") {
            written.push(name);
        }
    }
    written.sort();
    Ok(written)
}
