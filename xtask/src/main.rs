//! The project's own commands: what CI runs, what a newcomer runs.
//!
//! Owns: how the tree is prepared, checked, built, tested and demonstrated. Must not know: anything that a
//! crate of the product does; it builds them, runs their binaries and reads exit codes.

mod artifacts;
mod counts;
mod demo;
mod dispatch;
mod minio;
mod paths;
mod process;
mod prune;
mod qualify;
mod scratch;
mod setup;
mod suites;
mod testrun;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup              install what is missing, build the tools that the tests start
  test [SUITE...]    everything CI runs; with names, only those (a crate's folder, or a check)
  tidy               the rules of the repository that no compiler checks
  demo               build nokv and show what it does on real data
  bench SUITE        measure (release); writes bench/out/SUITE.json
  qualify SUITE [RING...]
                     the test rings in full size; writes docs/qualification/SUITE.json, with names only
                     the results of those rings in it

Checks that `test` knows beside the crates: fmt, tidy, clippy, xtask, doc, demo.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        bail!("no command\n\n{USAGE}")
    };
    let paths = paths::Paths::find()?;
    match (command.as_str(), rest) {
        ("setup", []) => setup::for_tests(&paths).map(|_| ExitCode::SUCCESS),
        ("test", names) => testrun::run(&paths, names),
        ("tidy", []) => tidy::run(&paths).map(exit_code),
        ("demo", extra) => demo::run(&paths, extra),
        ("bench", [suite, extra @ ..]) => dispatch::bench(&paths, suite, extra),
        ("qualify", [suite, extra @ ..]) => qualify::run(&paths, suite, extra),
        ("help" | "--help" | "-h", _) => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("unknown command or arguments: {}\n\n{USAGE}", args.join(" ")),
    }
}

/// The exit code of a check that held or did not.
fn exit_code(held: bool) -> ExitCode {
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
