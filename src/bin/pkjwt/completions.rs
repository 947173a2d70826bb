//! `pkjwt completions`: the completion script of a shell.

use clap_complete::Shell;

use crate::error::{Context, Failure};
use crate::output;

const EXAMPLE: &str = "Examples:
  pkjwt completions bash > ~/.local/share/bash-completion/completions/pkjwt
  pkjwt completions zsh > \"${fpath[1]}/_pkjwt\"
  pkjwt completions fish > ~/.config/fish/completions/pkjwt.fish";

/// Print the completion script of a shell
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Shell that the script is for
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments, command: &mut clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "pkjwt", &mut script);
    output::line(&String::from_utf8(script).context("completions")?)
}
