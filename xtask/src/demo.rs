//! Builds what the demo needs and runs it on the real data that the clone carries.

mod corpus;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;

use crate::artifacts::{Artifacts, BENCH_PACKAGE};
use crate::paths::Paths;
use crate::process::{command, succeeds};
use crate::scratch::Scratch;
use crate::{exit_code, prune, setup};

/// What a user runs: release binaries, everything in its full size. `extra` goes to the demo as it is.
pub(crate) fn run(paths: &Paths, extra: &[String]) -> Result<ExitCode> {
    setup::for_build(paths)?;
    prune::target(paths)?;
    println!("demo: building nokv (release)");
    let start = Instant::now();
    let built = Artifacts::release(paths)?;
    println!("demo: built in {:.1} s", start.elapsed().as_secs_f64());
    let scratch = Scratch::create(paths)?;
    let mut demo = demo_command(paths, &built, scratch.path())?;
    demo.args(extra);
    let start = Instant::now();
    let held = succeeds(&mut demo)?;
    println!("demo: ran in {:.1} s", start.elapsed().as_secs_f64());
    if held {
        println!(
            "demo: next, with data of your own: {}",
            next(built.binary("nokv")?)
        );
    }
    Ok(exit_code(held))
}

/// What to type after the demo.
fn next(nokv: &Path) -> String {
    let folder = nokv.parent().unwrap_or(nokv).display();
    format!(
        "export PATH={folder}:$PATH NOKV_DATA=~/nokv; nokv init; nokv import FOLDER /runs; nokv ls -l /runs"
    )
}

/// What CI runs: the dev binaries that the tests were built with, in a smaller size.
pub(crate) fn in_ci_size(paths: &Paths, built: &Artifacts, scratch: &Path) -> Result<bool> {
    let mut demo = demo_command(paths, built, scratch)?;
    succeeds(demo.arg("--ci"))
}

fn demo_command(paths: &Paths, built: &Artifacts, scratch: &Path) -> Result<Command> {
    let corpus = corpus::checked(paths)?;
    let mut demo = command(built.binary(BENCH_PACKAGE)?, &paths.root);
    demo.arg("demo")
        .arg("--corpus")
        .arg(corpus)
        .arg("--nokv")
        .arg(built.binary("nokv")?);
    demo.env("TMPDIR", scratch);
    Ok(demo)
}
