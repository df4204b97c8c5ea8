//! Starts the benchmarks; their content is the bench crate's.
//!
//! The binary learns by environment where to write and what was measured:
//! `NOKV_BENCH_OUT` (folder), `NOKV_COMMIT`, `NOKV_BIN` (the `nokv` binary), `NOKV_CORPUS` (the archive),
//! `NOKV_TEST_MINIO` and `TMPDIR`.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::artifacts::{Artifacts, BENCH_PACKAGE};
use crate::paths::Paths;
use crate::process::{command, output, succeeds};
use crate::scratch::Scratch;
use crate::{exit_code, minio, prune, setup};

/// `bench SUITE`: figures of one suite.
pub(crate) fn bench(paths: &Paths, suite: &str, extra: &[String]) -> Result<ExitCode> {
    let tools = setup::for_tests(paths)?;
    prune::target(paths)?;
    let built = Artifacts::release(paths)?;
    let scratch = Scratch::create(paths)?;
    let out = paths.bench_out();
    fs::create_dir_all(&out)?;
    let mut command = command(built.binary(BENCH_PACKAGE)?, &paths.root);
    command.arg(suite).args(extra);
    command.env("NOKV_BENCH_OUT", out);
    command
        .env("NOKV_COMMIT", commit(paths)?)
        .env("NOKV_BIN", built.binary("nokv")?);
    command
        .env("NOKV_CORPUS", paths.corpus_archive())
        .env(minio::ENV, tools.minio)
        .env("TMPDIR", scratch.path());
    Ok(exit_code(succeeds(&mut command)?))
}

/// Ends the name of a commit whose files were changed.
pub(crate) const CHANGES: &str = "+changes";

/// The commit that is measured; figures of uncommitted work say so. What qualifications write is not work.
pub(crate) fn commit(paths: &Paths) -> Result<String> {
    let git = |args: &[&str]| output(Command::args(&mut command("git", &paths.root), args));
    let head = git(&["rev-parse", "HEAD"])?;
    let status = [
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ".",
        ":!docs/qualification",
    ];
    let changed = !git(&status)?.is_empty();
    Ok(format!("{}{}", head.trim(), if changed { CHANGES } else { "" }))
}
