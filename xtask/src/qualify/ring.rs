//! One ring: its test programs run with its sizes, and what they said judged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::rings::{Part, Ring};
use crate::artifacts::Artifacts;
use crate::counts::Counts;
use crate::minio;
use crate::process::command;
use crate::testrun::cargo_environment;
use crate::testrun::execute::libtest_to;

pub(crate) const PASS: &str = "PASS";
pub(crate) const FAIL: &str = "FAIL";
pub(crate) const NOT_QUALIFIED: &str = "NOT QUALIFIED";
/// Before the JSON of a test that says what it did, anywhere in a line.
const MARK: &str = "QUALIFY {";
/// A part of a ring that takes longer hangs.
const PART_MAX: Duration = Duration::from_mins(40);

/// What all rings need.
pub(crate) struct Surroundings<'a> {
    pub(crate) built: &'a Artifacts,
    pub(crate) minio: &'a Path,
    pub(crate) scratch: &'a Path,
    pub(crate) logs: &'a Path,
}

/// How a ring ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: &'static str,
    /// Why it is not a pass.
    pub(crate) why: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) injected: u64,
    pub(crate) acknowledged: u64,
    pub(crate) seconds: f64,
    /// What each test said that it did.
    pub(crate) runs: Vec<Value>,
}

/// What the output of a ring said.
#[derive(Debug, Default)]
struct Said {
    runs: Vec<Value>,
    strangers: Vec<String>,
    not_qualified: Option<String>,
}

impl Said {
    fn line(&mut self, ring: &str, line: &str) {
        if let Some((_, reason)) = line.split_once("NOT QUALIFIED: ") {
            self.not_qualified = Some(reason.to_owned());
        }
        let Some(at) = line.find(MARK) else { return };
        let text = &line[at + MARK.len() - 1..];
        match serde_json::from_str::<Value>(text) {
            Ok(run) if run["ring"] == ring => self.runs.push(run),
            _ => self.strangers.push(text.to_owned()),
        }
    }

    fn sum(&self, field: &str) -> u64 {
        self.runs.iter().filter_map(|run| run[field].as_u64()).sum()
    }

    /// The verdict, and why it is not a pass.
    fn judge(&self, ring: &Ring, counts: Counts) -> (&'static str, Option<String>) {
        let fail = |why: String| (FAIL, Some(why));
        if counts.failed > 0 {
            return fail(format!("{} tests failed", counts.failed));
        }
        if let Some(stranger) = self.strangers.first() {
            return fail(format!("not evidence of this ring: {stranger}"));
        }
        if let Some(reason) = &self.not_qualified {
            return (NOT_QUALIFIED, Some(reason.clone()));
        }
        let empty = |run: &&Value| {
            run["injected"].as_u64().is_none_or(|n| n == 0)
                || run["acknowledged"].as_u64().is_none_or(|n| n == 0)
        };
        if let Some(run) = self.runs.iter().find(empty) {
            return fail(format!("injected or acknowledged nothing: {run}"));
        }
        let injected = self.sum("injected");
        if injected < ring.at_least {
            return fail(format!(
                "injected {injected}, and it is to be {} at least",
                ring.at_least
            ));
        }
        (PASS, None)
    }
}

impl Ring {
    /// Runs every part and judges the whole; the output goes to a file of the ring's name. A ring that cannot run
    /// fails, and the others go on.
    pub(crate) fn run(&self, surroundings: &Surroundings<'_>) -> Outcome {
        self.try_run(surroundings).unwrap_or_else(|error| Outcome {
            verdict: FAIL,
            why: Some(format!("it could not run: {error:#}")),
            counts: Counts::one_failure(),
            injected: 0,
            acknowledged: 0,
            seconds: 0.0,
            runs: Vec::new(),
        })
    }

    fn try_run(&self, surroundings: &Surroundings<'_>) -> Result<Outcome> {
        let path = surroundings.logs.join(format!("{}.log", self.name));
        let mut log = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let start = Instant::now();
        let (mut counts, mut said) = (Counts::default(), Said::default());
        for part in self.parts {
            counts += self.part(part, surroundings, &mut log, &mut said)?;
        }
        let (verdict, why) = said.judge(self, counts);
        Ok(Outcome {
            verdict,
            why: why.map(|why| format!("{why}; see {}", path.file_name().unwrap_or_default().display())),
            counts,
            injected: said.sum("injected"),
            acknowledged: said.sum("acknowledged"),
            seconds: start.elapsed().as_secs_f64(),
            runs: said.runs,
        })
    }

    fn part(
        &self,
        part: &Part,
        surroundings: &Surroundings<'_>,
        log: &mut File,
        said: &mut Said,
    ) -> Result<Counts> {
        let programs = surroundings.built.tests_of(part.suite);
        let Some(program) = programs.iter().find(|program| program.name == "it") else {
            bail!("{} has no integration tests", part.suite)
        };
        let mut command = command(&program.path, &program.dir);
        command.args(part.tests).arg("--nocapture");
        command.arg("--test-threads").arg(part.threads.to_string());
        command
            .env(minio::ENV, surroundings.minio)
            .env("TMPDIR", surroundings.scratch)
            .env("RUST_BACKTRACE", "1")
            .env("NO_COLOR", "1")
            .envs(self.sizes.iter().copied())
            .stderr(log.try_clone()?);
        cargo_environment(&mut command, program, surroundings.built);
        let mut written = Ok(());
        let counts = libtest_to(&mut command, PART_MAX, &mut |line| {
            said.line(self.name, line);
            if written.is_ok() {
                written = writeln!(log, "{line}");
            }
        })?;
        written?;
        let ran_nothing = counts.passed + counts.failed == 0;
        Ok(if ran_nothing {
            Counts::one_failure()
        } else {
            counts
        })
    }

    /// The sizes, as they are written down.
    pub(crate) fn sizes(&self) -> BTreeMap<&'static str, &'static str> {
        self.sizes.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: Ring = Ring {
        name: "kills",
        what: "",
        parts: &[],
        sizes: &[],
        at_least: 20,
    };

    fn judged(lines: &[&str], failed: u64) -> &'static str {
        let mut said = Said::default();
        for line in lines {
            said.line(RING.name, line);
        }
        let counts = Counts {
            passed: 1,
            failed,
            skipped: 0,
        };
        said.judge(&RING, counts).0
    }

    fn evidence(injected: u64, acknowledged: u64) -> String {
        format!("QUALIFY {{\"ring\":\"kills\",\"injected\":{injected},\"acknowledged\":{acknowledged}}}")
    }

    #[test]
    fn a_ring_that_did_its_size_and_failed_nothing_passes() {
        let (one, other) = (evidence(12, 1), evidence(8, 400));
        assert_eq!(judged(&[&one, "noise", &other], 0), PASS);
        assert_eq!(judged(&[&one, &other], 1), FAIL);
    }

    #[test]
    fn a_ring_that_did_less_nothing_or_anothers_work_fails() {
        assert_eq!(judged(&[], 0), FAIL);
        assert_eq!(judged(&[&evidence(19, 400)], 0), FAIL);
        assert_eq!(judged(&[&evidence(20, 0)], 0), FAIL);
        let stranger = "QUALIFY {\"ring\":\"power\",\"injected\":30,\"acknowledged\":1}";
        assert_eq!(judged(&[&evidence(20, 4), stranger], 0), FAIL);
    }

    #[test]
    fn what_could_not_be_tried_is_no_pass() {
        let lines = ["NOT QUALIFIED: no loop device"];
        assert_eq!(judged(&lines, 0), NOT_QUALIFIED);
        assert_eq!(judged(&lines, 1), FAIL);
    }

    #[test]
    fn evidence_counts_behind_what_the_test_program_left_on_its_line() {
        let line = format!("test kill::x ... {}", evidence(20, 4));
        assert_eq!(judged(&[&line], 0), PASS);
    }
}
