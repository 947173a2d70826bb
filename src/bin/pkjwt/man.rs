//! `pkjwt man`: manual pages.

use std::path::PathBuf;

use clap::Command;
use clap_mangen::Man;

use crate::error::{Context, Failure};
use crate::new_file::{self, Readers};
use crate::{output, source};

const EXAMPLE: &str = "Examples:
  pkjwt man token | man -l -
  pkjwt man --out-dir ~/.local/share/man/man1    # pkjwt.1, pkjwt-token.1 and so on";

/// Print a manual page, or write all of them
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Command that the page is about [default: pkjwt itself]
    #[arg(value_name = "COMMAND", conflicts_with = "out_dir")]
    command: Option<String>,
    /// Existing directory for the pages of all commands; replaces older pages
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments, command: &Command) -> Result<(), Failure> {
    let pages = || {
        let is_shown = |command: &&Command| command.get_name() != "help";
        [command].into_iter().chain(command.get_subcommands().filter(is_shown))
    };
    if let Some(directory) = &arguments.out_dir {
        new_file::check_name(directory)?;
        for page in pages() {
            let path = directory.join(format!("{}.1", title(page)));
            new_file::check(&path, true)?;
            new_file::write(&path, &render(page).context(source::name(&path))?, Readers::All, true)?;
        }
        return Ok(());
    }
    let page = match &arguments.command {
        None => command,
        Some(name) => pages()
            .skip(1)
            .find(|page| page.get_name() == name)
            .ok_or_else(|| Failure::usage("man", "no such command; pkjwt --help lists them"))?,
    };
    output::line(&String::from_utf8(render(page).context("man")?).context("man")?)
}

/// `pkjwt`, or `pkjwt-token`.
fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn render(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).title(title(command)).render(&mut page)?;
    Ok(page)
}
