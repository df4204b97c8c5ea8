//! The file that says what was qualified: `docs/qualification/SUITE.json`.
//!
//! Invariant: each ring carries the commit that it ran on. Those of the file differ when some rings were run
//! again later; the whole counts as one only when they are the same.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::ring::{Outcome, PASS};
use super::rings::Ring;
use crate::dispatch::CHANGES;

/// Writes the outcomes into the file, beside those of rings that did not run now; answers how many those are.
pub(crate) fn write(
    file: &Path,
    suite: &str,
    commit: &str,
    all: &[Ring],
    outcomes: &[(&Ring, Outcome)],
) -> Result<usize> {
    let older = read(file);
    let kept = |name: &str| older.iter().find(|ring| ring["name"] == name).cloned();
    let mut rings = Vec::new();
    let mut missing = Vec::new();
    for ring in all {
        let now = outcomes.iter().find(|(other, _)| other.name == ring.name);
        match now
            .map(|(ring, outcome)| entry(suite, commit, ring, outcome))
            .or_else(|| kept(ring.name))
        {
            Some(entry) => rings.push(entry),
            None => missing.push(ring.name),
        }
    }
    let whole = missing.is_empty()
        && !commit.ends_with(CHANGES)
        && rings
            .iter()
            .all(|ring| ring["verdict"] == PASS && ring["commit"] == commit);
    let record = json!({
        "suite": suite,
        "command": format!("cargo xtask qualify {suite}"),
        "commit": commit,
        "machine": machine(),
        "every_ring_passed_on_this_commit": whole,
        "not_run": missing,
        "rings": rings,
    });
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    let text = serde_json::to_string_pretty(&record)? + "\n";
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(rings.len() - outcomes.len())
}

fn read(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut record: Value = serde_json::from_str(&text).unwrap_or_default();
    match record["rings"].take() {
        Value::Array(rings) => rings,
        _ => Vec::new(),
    }
}

fn machine() -> Value {
    let of = |path: &str, field: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        line.map_or_else(String::new, |rest| {
            rest.trim_start_matches([':', '\t', ' ']).trim().to_owned()
        })
    };
    json!({
        "cpus": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": of("/proc/cpuinfo", "model name"),
        "memory": of("/proc/meminfo", "MemTotal"),
        "kernel": of("/proc/sys/kernel/osrelease", ""),
    })
}

fn entry(suite: &str, commit: &str, ring: &Ring, outcome: &Outcome) -> Value {
    json!({
        "name": ring.name,
        "what": ring.what,
        "verdict": outcome.verdict,
        "why": outcome.why,
        "commit": commit,
        "command": format!("cargo xtask qualify {suite} {}", ring.name),
        "sizes": ring.sizes(),
        "seeds": outcome.runs.iter().map(|run| run["seeds"].clone()).collect::<Vec<_>>(),
        "injected": outcome.injected,
        "acknowledged": outcome.acknowledged,
        "tests_passed": outcome.counts.passed,
        "failed": outcome.counts.failed,
        "seconds": outcome.seconds.round(),
        "runs": outcome.runs,
    })
}

/// What is printed for a ring that ended.
pub(crate) fn line(ring: &Ring, outcome: &Outcome) -> String {
    let why = outcome.why.as_deref().unwrap_or_default();
    format!(
        "{:<12} {:<13} {:>9} {:>13} {:>7} {:>7.0} s  {why}",
        ring.name,
        outcome.verdict,
        outcome.injected,
        outcome.acknowledged,
        outcome.counts.failed,
        outcome.seconds
    )
}

/// All of them under one head.
pub(crate) fn table(outcomes: &[(&Ring, Outcome)]) -> String {
    let head = format!(
        "{:<12} {:<13} {:>9} {:>13} {:>7} {:>9}",
        "ring", "verdict", "injected", "acknowledged", "failed", "took"
    );
    let lines = outcomes.iter().map(|(ring, outcome)| line(ring, outcome));
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Counts;

    const RINGS: [Ring; 2] = [ring("one"), ring("two")];

    const fn ring(name: &'static str) -> Ring {
        Ring {
            name,
            what: "",
            parts: &[],
            sizes: &[("NOKV_KILLS", "200")],
            at_least: 1,
        }
    }

    fn outcome(seconds: f64) -> Outcome {
        Outcome {
            verdict: PASS,
            why: None,
            counts: Counts::default(),
            injected: 200,
            acknowledged: 9000,
            seconds,
            runs: Vec::new(),
        }
    }

    #[test]
    fn a_later_run_of_one_ring_leaves_the_others_and_their_commits() {
        let dir = std::env::temp_dir().join(format!("nokv-record-{}", std::process::id()));
        let file = dir.join("core.json");
        let [one, two] = &RINGS;
        write(
            &file,
            "core",
            "a",
            &RINGS,
            &[(one, outcome(1.0)), (two, outcome(2.0))],
        )
        .unwrap();
        let both: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(both["every_ring_passed_on_this_commit"], true);
        assert_eq!(
            write(&file, "core", "b", &RINGS, &[(two, outcome(3.0))]).unwrap(),
            1
        );
        let merged: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let seconds = |at: usize| {
            (
                merged["rings"][at]["seconds"].as_f64(),
                merged["rings"][at]["commit"].clone(),
            )
        };
        assert_eq!(
            (seconds(0), seconds(1)),
            ((Some(1.0), "a".into()), (Some(3.0), "b".into()))
        );
        assert_eq!(merged["every_ring_passed_on_this_commit"], false);
        let changed = format!("c{CHANGES}");
        write(
            &file,
            "core",
            &changed,
            &RINGS,
            &[(one, outcome(1.0)), (two, outcome(2.0))],
        )
        .unwrap();
        let uncommitted: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(uncommitted["every_ring_passed_on_this_commit"], false);
        assert_eq!(merged["rings"][1]["sizes"]["NOKV_KILLS"], "200");
    }
}
