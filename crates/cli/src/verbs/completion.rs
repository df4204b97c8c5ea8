//! `nokv completion`

use crate::args::Cli;
use crate::context::Context;
use crate::failure::Outcome;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::io::Write as _;

/// Prints a completion script: nokv completion bash > /etc/bash_completion.d/nokv
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "nokv", &mut script);
        Ok(context.out.raw().write_all(&script)?)
    }
}
