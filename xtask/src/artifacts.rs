//! The one build set, and what came out of it.
//!
//! Invariant: the dev profile is built only by `--workspace --all-targets`. A `-p` or `--bin` after it resolves
//! other features and builds every dependency again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::paths::Paths;
use crate::process::{cargo, output, shown};

/// The package whose binary runs the demo, the benchmarks and the qualifications.
pub(crate) const BENCH_PACKAGE: &str = "nokv-bench";
/// The package of the `nokv` binary.
const CLI_PACKAGE: &str = "nokv-cli";

/// A program that the build made.
pub(crate) struct Program {
    /// The folder of its crate, which names its suite.
    pub(crate) suite: String,
    /// The folder of its crate, whole.
    pub(crate) dir: PathBuf,
    /// The target's name.
    pub(crate) name: String,
    /// The file to run.
    pub(crate) path: PathBuf,
    /// A libtest program, rather than a plain binary.
    pub(crate) is_test: bool,
    /// A `benches/` target: compiled so that it does not rot, not run.
    pub(crate) is_bench: bool,
}

/// What a build made.
pub(crate) struct Artifacts {
    pub(crate) programs: Vec<Program>,
}

impl Artifacts {
    /// Builds everything, tests included, in the dev profile.
    pub(crate) fn everything(paths: &Paths) -> Result<Self> {
        let mut command = cargo(paths);
        build(command.args(["build", "--workspace", "--all-targets"]))
    }

    /// Builds the two binaries that users and benchmarks run, optimised.
    pub(crate) fn release(paths: &Paths) -> Result<Self> {
        require_packages(paths, &[BENCH_PACKAGE, CLI_PACKAGE])?;
        let mut command = cargo(paths);
        build(command.args([
            "build",
            "--release",
            "--bins",
            "-p",
            BENCH_PACKAGE,
            "-p",
            CLI_PACKAGE,
        ]))
    }

    /// Builds the test programs of these suites, optimised: the same tests that CI runs, in the time of users.
    pub(crate) fn release_tests(paths: &Paths, suites: &[&str]) -> Result<Self> {
        let mut command = cargo(paths);
        command.args(["build", "--release", "--tests"]);
        for suite in suites {
            command.arg("-p").arg(format!("nokv-{suite}"));
        }
        build(&mut command)
    }

    /// A plain binary by its name.
    pub(crate) fn binary(&self, name: &str) -> Result<&Path> {
        let found = self
            .programs
            .iter()
            .find(|program| !program.is_test && program.name == name);
        let program = found.with_context(|| format!("the build made no binary named {name}"))?;
        Ok(&program.path)
    }

    /// The test programs of a crate, in a stable order.
    pub(crate) fn tests_of(&self, suite: &str) -> Vec<&Program> {
        let is_wanted = |program: &&Program| program.is_test && !program.is_bench && program.suite == suite;
        let mut tests: Vec<&Program> = self.programs.iter().filter(is_wanted).collect();
        tests.sort_by(|a, b| a.path.cmp(&b.path));
        tests
    }
}

/// The folders of the workspace's members, which name the suites.
pub(crate) fn suites(paths: &Paths) -> Result<Vec<String>> {
    members(paths)?.iter().map(suite_of).collect()
}

fn require_packages(paths: &Paths, wanted: &[&str]) -> Result<()> {
    let members = members(paths)?;
    for name in wanted {
        if !members.iter().any(|member| member["name"] == *name) {
            bail!("the workspace has no package {name} yet, and this needs it");
        }
    }
    Ok(())
}

fn members(paths: &Paths) -> Result<Vec<Value>> {
    let mut command = cargo(paths);
    let text = output(command.args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let mut metadata: Value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("cargo metadata lists no packages"),
    }
}

/// The name of a crate's folder, from a value with a `manifest_path`.
fn suite_of(value: &Value) -> Result<String> {
    let dir = dir_of(value)?;
    let name = dir
        .file_name()
        .with_context(|| format!("{} has no name", dir.display()))?;
    Ok(name.to_string_lossy().into_owned())
}

fn dir_of(value: &Value) -> Result<PathBuf> {
    let manifest = value["manifest_path"]
        .as_str()
        .context("cargo reports no manifest_path")?;
    Ok(Path::new(manifest)
        .parent()
        .context("a manifest stands in no folder")?
        .to_path_buf())
}

fn build(command: &mut Command) -> Result<Artifacts> {
    command
        .args(["--locked", "--message-format", "json-render-diagnostics"])
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let mut programs = Vec::new();
    for line in BufReader::new(stdout).lines() {
        // Build scripts may print lines that are not messages.
        if let Ok(message) = serde_json::from_str::<Value>(&line?) {
            programs.extend(program(&message)?);
        }
    }
    if !child.wait()?.success() {
        bail!("`{}` failed", shown(command));
    }
    Ok(Artifacts { programs })
}

fn program(message: &Value) -> Result<Option<Program>> {
    let Some(executable) = message["executable"].as_str() else {
        return Ok(None);
    };
    if message["reason"] != "compiler-artifact" {
        return Ok(None);
    }
    let kind = message["target"]["kind"].as_array().cloned().unwrap_or_default();
    Ok(Some(Program {
        suite: suite_of(message)?,
        dir: dir_of(message)?,
        name: message["target"]["name"]
            .as_str()
            .context("a target without a name")?
            .to_owned(),
        path: PathBuf::from(executable),
        is_test: message["profile"]["test"] == true,
        is_bench: kind.contains(&Value::from("bench")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, test: bool) -> Value {
        serde_json::json!({
            "reason": "compiler-artifact",
            "manifest_path": "/clone/crates/meta/Cargo.toml",
            "target": {"kind": [kind], "name": "it"},
            "profile": {"test": test},
            "executable": "/target/debug/deps/it-1",
        })
    }

    #[test]
    fn a_test_program_belongs_to_the_suite_of_its_folder() {
        let built = Artifacts {
            programs: program(&message("test", true)).unwrap().into_iter().collect(),
        };
        assert_eq!(built.tests_of("meta").len(), 1);
        assert_eq!(built.tests_of("store").len(), 0);
        assert!(built.binary("it").is_err());
    }

    #[test]
    fn a_bench_target_is_not_run_as_a_test() {
        let built = Artifacts {
            programs: program(&message("bench", true)).unwrap().into_iter().collect(),
        };
        assert_eq!(built.tests_of("meta").len(), 0);
    }

    #[test]
    fn a_library_is_no_program() {
        let mut library = message("lib", false);
        library["executable"] = Value::Null;
        assert!(program(&library).unwrap().is_none());
    }
}
