//! The `nokv` command. One file per verb under `verbs`; everything they do goes through the trait `Namespace`.
//!
//! Owns: arguments, configuration, what is printed, exit codes. Must not know: how a namespace stores anything.
//!
//! Invariants: standard output carries results only; an error is one code, what, why and the next command;
//! a closed pipe is not an error; an interrupted command leaves a consistent namespace.

mod advice;
mod archive;
mod args;
mod bash;
mod catalogue;
mod complete;
mod confirm;
mod context;
mod failure;
mod glob;
mod moment;
mod open;
mod output;
mod place;
mod progress;
mod settings;
mod size;
mod verbs;
mod waiting;

use clap::{CommandFactory as _, Parser as _};
use std::process::ExitCode;

/// The engine allocates a few small pieces per row: this one is quicker at it than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Ends the process when it is a shell that asks.
    complete::answer();
    // Options of the environment count as arguments for clap; whoever typed nothing wants to see what there is.
    if std::env::args_os().len() < 2 {
        return match args::Cli::command().print_help() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure::Failure::from(error).report(output::Format::Table),
        };
    }
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return failure::usage(&refused),
    };
    let format = cli.global.output;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(format.unwrap_or_default()),
    }
}

fn run(cli: args::Cli) -> failure::Outcome {
    let context = context::Context::new(cli.global)?;
    let outcome = verbs::run(cli.verb, &context).map_err(|failure| context.by_signal(failure));
    let flushed = context.out.flush();
    let closed = context.close();
    outcome?;
    flushed?;
    closed
}
