//! `nokv completion`

use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use clap::Args;
use clap_complete::Shell;
use std::io::Write as _;

/// Print a completion script for a shell
///
/// Prints a completion script. It completes verbs, options, and the paths, snapshots and forks of the namespace.
///
/// bash: source <(nokv completion bash), in ~/.bashrc
///
/// zsh: source <(nokv completion zsh), in ~/.zshrc
///
/// fish: nokv completion fish | source, in ~/.config/fish/config.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut script = Vec::new();
        complete::script(self.shell, &mut script).map_err(|why| Failure::usage(why.to_string()))?;
        Ok(context.out.raw().write_all(&script)?)
    }
}
