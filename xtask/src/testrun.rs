//! What CI runs, in order: cheap checks first, one build, the tests crate by crate, the demo.
//!
//! Owns: the order, the sum of the counts and the exit code. Invariant: the last line is the sum over all
//! libtest runs, a check or program that fails counts as one failure, and a run of no test at all fails.

pub(crate) mod execute;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::artifacts::{self, Artifacts, Program};
use crate::counts::Counts;
use crate::paths::{Paths, in_ci};
use crate::process::{cargo, command, succeeds};
use crate::scratch::Scratch;
use crate::setup::Tools;
use crate::{demo, exit_code, minio, prune, setup, suites, tidy};
use execute::libtest;

/// One run of `test`.
struct Run<'a> {
    paths: &'a Paths,
    tools: Tools,
    scratch: Scratch,
    wanted: &'a [String],
    total: Counts,
    timings: Vec<(String, Duration)>,
    failures: Vec<String>,
}

/// Runs the named suites, or everything.
pub(crate) fn run(paths: &Paths, names: &[String]) -> Result<ExitCode> {
    let crates = artifacts::suites(paths)?;
    for name in names {
        if !suites::CHECKS.contains(&name.as_str()) && !crates.contains(name) {
            bail!(
                "no suite is called {name}; there are {} and {}",
                suites::CHECKS.join(", "),
                crates.join(", ")
            );
        }
    }
    let tools = setup::for_tests(paths)?;
    prune::target(paths)?;
    let scratch = Scratch::create(paths)?;
    let mut run = Run {
        paths,
        tools,
        scratch,
        wanted: names,
        total: Counts::default(),
        timings: Vec::new(),
        failures: Vec::new(),
    };
    run.checks()?;
    run.tests(&crates)?;
    Ok(exit_code(run.report()))
}

impl Run<'_> {
    fn wants(&self, suite: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|name| name == suite)
    }

    fn checks(&mut self) -> Result<()> {
        let paths = self.paths;
        self.check("fmt", |_| {
            succeeds(cargo(paths).args(["fmt", "--all", "--check"]))
        })?;
        self.check("tidy", |_| tidy::run(paths))?;
        self.suite("xtask", Run::xtask)?;
        self.check("clippy", |_| {
            let mut clippy = cargo(paths);
            clippy.args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]);
            succeeds(&mut clippy)
        })
    }

    fn tests(&mut self, crates: &[String]) -> Result<()> {
        let needs_build =
            crates.iter().any(|suite| self.wants(suite)) || self.wants("demo") || self.wants("doc");
        if !needs_build {
            return Ok(());
        }
        println!("\n== build ==");
        let start = Instant::now();
        let built = match Artifacts::everything(self.paths) {
            Ok(built) => built,
            Err(error) => {
                eprintln!("xtask: {error:#}");
                self.fail("build");
                return Ok(());
            }
        };
        self.timings.push(("build".to_owned(), start.elapsed()));
        for name in crates {
            self.suite(name, |run| run.crate_tests(name, &built))?;
        }
        self.suite("doc", |run| {
            let mut doc = cargo(run.paths);
            run.environment(doc.args(["test", "--doc", "--workspace", "--locked"]));
            libtest(&mut doc, suites::hang_limit("doc"))
        })?;
        self.check("demo", |run| {
            demo::in_ci_size(run.paths, &built, run.scratch.path())
        })
    }

    /// The tool's own formatting, lints and tests, in the target folder that it was itself built in.
    fn xtask(&mut self) -> Result<Counts> {
        let in_xtask = |args: &[&str]| {
            let mut command = command("cargo", &self.paths.root.join("xtask"));
            command.args(args);
            command
        };
        if !succeeds(&mut in_xtask(&["fmt", "--check"]))? {
            self.fail("xtask fmt");
        }
        if !succeeds(&mut in_xtask(&[
            "clippy",
            "--quiet",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))? {
            self.fail("xtask clippy");
        }
        libtest(
            &mut in_xtask(&["test", "--quiet", "--locked"]),
            suites::hang_limit("xtask"),
        )
    }

    fn crate_tests(&mut self, name: &str, built: &Artifacts) -> Result<Counts> {
        let mut counts = Counts::default();
        for program in built.tests_of(name) {
            println!("-- {} ({})", program.name, program.path.display());
            let mut command = command(&program.path, &program.dir);
            // Seeds and hit tables of passing tests are part of the evidence.
            command.arg("--show-output");
            self.environment(&mut command);
            cargo_environment(&mut command, program, built);
            counts += libtest(&mut command, suites::hang_limit(name))?;
        }
        Ok(counts)
    }

    fn environment(&self, command: &mut Command) {
        command
            .env(minio::ENV, &self.tools.minio)
            .env("TMPDIR", self.scratch.path())
            .env("RUST_BACKTRACE", "1");
        if in_ci() {
            command.env("NO_COLOR", "1");
        }
    }

    /// Runs a suite that counts tests.
    fn suite(&mut self, name: &str, body: impl FnOnce(&mut Self) -> Result<Counts>) -> Result<()> {
        if !self.wants(name) {
            return Ok(());
        }
        println!("\n== {name} ==");
        let start = Instant::now();
        let counts = body(self)?;
        self.timings.push((name.to_owned(), start.elapsed()));
        println!("{name}: {counts}");
        if counts.failed > 0 {
            self.failures.push(name.to_owned());
        }
        self.total += counts;
        Ok(())
    }

    /// Runs a check that holds or does not; one that does not counts as one failure.
    fn check(&mut self, name: &str, body: impl FnOnce(&mut Self) -> Result<bool>) -> Result<()> {
        self.suite(name, |run| {
            let held = body(run).unwrap_or_else(|error| {
                eprintln!("xtask: {error:#}");
                false
            });
            Ok(if held {
                Counts::default()
            } else {
                Counts::one_failure()
            })
        })
    }

    fn fail(&mut self, name: &str) {
        self.failures.push(name.to_owned());
        self.total += Counts::one_failure();
    }

    /// Prints the budgets and the sum; says whether all is well.
    fn report(&self) -> bool {
        println!("\n== budgets ==");
        for (suite, took) in &self.timings {
            println!("{}", suites::budget_line(suite, *took));
        }
        if !self.failures.is_empty() {
            println!("\nfailed: {}", self.failures.join(", "));
        }
        let only_checks =
            !self.wanted.is_empty() && self.wanted.iter().all(|name| suites::has_no_tests(name));
        let ran_nothing = self.total.passed == 0 && !only_checks;
        if ran_nothing {
            println!("\nno test passed: that is a failure of the run");
        }
        println!("\n{}", self.total);
        self.total.failed == 0 && !ran_nothing
    }
}

/// What cargo would set for a test program that it starts itself.
pub(crate) fn cargo_environment(command: &mut Command, program: &Program, built: &Artifacts) {
    command.env("CARGO_MANIFEST_DIR", &program.dir);
    for binary in built
        .programs
        .iter()
        .filter(|other| !other.is_test && other.suite == program.suite)
    {
        command.env(format!("CARGO_BIN_EXE_{}", binary.name), &binary.path);
    }
}
