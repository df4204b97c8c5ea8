//! The test rings in full size: the tests that CI runs, optimised, with larger numbers in their environment.
//!
//! Owns: which rings there are and how large they are, two of them at a time, the verdict of each, and the file
//! that records them. What a ring did it says itself, in lines `QUALIFY {..}` (testkit's `evidence`).
//!
//! Invariants: a ring that says nothing, or less than its size, fails; one that could not be tried is NOT
//! QUALIFIED, which is not a pass; a run of some rings, or one that is cut short, leaves the results of the
//! others in the file.

mod record;
mod ring;
mod rings;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::artifacts::Artifacts;
use crate::dispatch::commit;
use crate::paths::Paths;
use crate::scratch::Scratch;
use crate::{exit_code, prune, setup};
use ring::{Outcome, Surroundings};
use rings::Ring;

/// Rings side by side: each waits for its disk much of the time.
const AT_ONCE: usize = 2;

/// `qualify SUITE [RING..]`.
pub(crate) fn run(paths: &Paths, suite: &str, names: &[String]) -> Result<ExitCode> {
    let Some(all) = rings::of(suite) else {
        bail!("no suite is called {suite}; there is core")
    };
    let wanted = chosen(all, names)?;
    let commit = commit(paths)?;
    let tools = setup::for_tests(paths)?;
    prune::target(paths)?;
    // Those of all rings: with fewer cargo chooses other features and builds the dependencies again.
    let mut suites: Vec<&str> = all
        .iter()
        .flat_map(|ring| ring.parts.iter().map(|part| part.suite))
        .collect();
    suites.sort_unstable();
    suites.dedup();
    let built = Artifacts::release_tests(paths, &suites)?;
    let scratch = Scratch::create(paths)?;
    let logs = paths.target.join("qualification");
    fs::create_dir_all(&logs)?;
    let surroundings = Surroundings {
        built: &built,
        minio: &tools.minio,
        scratch: scratch.path(),
        logs: &logs,
    };
    let start = Instant::now();
    let file = record_file(paths, suite);
    let write = |ended: &[Ended<'_>]| record::write(&file, suite, &commit, all, ended);
    let outcomes = side_by_side(&wanted, &surroundings, &|ended| write(ended).map(drop))?;
    let kept = write(&outcomes)?;
    println!("\n{}", record::table(&outcomes));
    println!(
        "{} rings in {:.0} s; {} more as recorded before; {}",
        outcomes.len(),
        start.elapsed().as_secs_f64(),
        kept,
        file.display()
    );
    Ok(exit_code(
        outcomes.iter().all(|(_, outcome)| outcome.verdict == ring::PASS),
    ))
}

fn record_file(paths: &Paths, suite: &str) -> PathBuf {
    paths
        .root
        .join("docs/qualification")
        .join(format!("{suite}.json"))
}

fn chosen<'a>(all: &'a [Ring], names: &[String]) -> Result<Vec<&'a Ring>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !all.iter().any(|ring| ring.name == **name))
    {
        let known: Vec<&str> = all.iter().map(|ring| ring.name).collect();
        bail!("no ring is called {unknown}; there are {}", known.join(", "));
    }
    let is_wanted = |ring: &&Ring| names.is_empty() || names.iter().any(|name| name == ring.name);
    Ok(all.iter().filter(is_wanted).collect())
}

/// A ring that ran.
type Ended<'a> = (&'a Ring, Outcome);

/// Runs the rings in their order, a few at a time; the longest come first in the list. Each that ends is handed on
/// with those before it, so that a run that is cut short leaves what it has.
fn side_by_side<'a>(
    wanted: &[&'a Ring],
    surroundings: &Surroundings<'_>,
    each: &(dyn Fn(&[Ended<'a>]) -> Result<()> + Sync),
) -> Result<Vec<Ended<'a>>> {
    let next = Mutex::new(wanted.iter());
    let done: Mutex<Vec<Ended<'a>>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let Some(ring) = next.lock().map_or(None, |mut next| next.next()) else {
                    return Ok(());
                };
                println!("{:<12} begins", ring.name);
                let outcome = ring.run(surroundings);
                println!("{}", record::line(ring, &outcome));
                if let Ok(mut done) = done.lock() {
                    done.push((ring, outcome));
                    each(&done)?;
                }
            }
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(_) => bail!("a thread that runs rings panicked"),
        })
    })?;
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(ring, _)| wanted.iter().position(|other| other.name == ring.name));
    Ok(done)
}
