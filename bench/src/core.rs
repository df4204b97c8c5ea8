//! The suite `core`: the engine on one machine.
//!
//! Every part is a process of its own, run as often as `NOKV_BENCH_RUNS` says (default 5); the table shows medians.

mod bare;
mod bodies;
mod churn;
mod constant;
mod creates;
mod diff;
mod durable;
mod footprint;
mod paced;
mod reclaim;
mod reopen;
mod sqlite;

use crate::report::{Sample, Suite};
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};

type Part = fn() -> Result<Vec<Sample>>;

const PARTS: &[(&str, Part)] = &[
    ("creates", creates::run),
    ("footprint", footprint::run),
    ("durable", durable::run),
    ("constant", constant::run),
    ("diff", diff::run),
    ("reclaim", reclaim::run),
    ("reopen", reopen::run),
    ("bodies", bodies::run),
    ("paced", paced::run),
    ("churn", churn::run),
];

/// How many files a large namespace has.
pub(crate) fn files() -> u64 {
    crate::setting("NOKV_BENCH_FILES", 1_000_000)
}

/// Runs the named parts, or all of them, and writes the report.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !PARTS.iter().any(|(part, _)| part == *name))
    {
        bail!("there is no part {unknown}; there are {:?}", PARTS.map_names());
    }
    let runs = crate::setting("NOKV_BENCH_RUNS", 5);
    let mut suite = Suite::begin("core", &std::env::temp_dir());
    for (name, _) in PARTS
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name))
    {
        let mut samples = Vec::new();
        for round in 1..=runs {
            eprintln!("{name}: run {round} of {runs}");
            samples.push(run_part(name)?);
        }
        suite.add(&samples);
    }
    let out = std::env::var_os("NOKV_BENCH_OUT").map_or_else(|| PathBuf::from("bench/out"), PathBuf::from);
    suite.end(&out)
}

/// Runs one part in this process and prints its samples.
pub(crate) fn part(name: &str) -> Result<()> {
    let (_, part) = PARTS
        .iter()
        .find(|(part, _)| *part == name)
        .with_context(|| format!("no part {name}"))?;
    crate::say(&serde_json::to_string(&part()?)?);
    Ok(())
}

fn run_part(name: &str) -> Result<Vec<Sample>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["part", name])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start part {name}"))?;
    ensure!(
        output.status.success(),
        "part {name} ended with {}",
        output.status
    );
    let line = String::from_utf8(output.stdout)?;
    serde_json::from_str(line.trim()).with_context(|| format!("part {name} printed no samples"))
}

trait Names {
    fn map_names(&self) -> Vec<&'static str>;
}

impl Names for [(&'static str, Part)] {
    fn map_names(&self) -> Vec<&'static str> {
        self.iter().map(|(name, _)| *name).collect()
    }
}
