//! The `nokv` binary on the demo's data directory.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program and where its data is.
pub(crate) struct Nokv {
    program: PathBuf,
    data: PathBuf,
}

impl Nokv {
    pub(crate) fn new(program: &Path, data: PathBuf) -> Self {
        Self {
            program: program.to_owned(),
            data,
        }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--data")
            .arg(&self.data)
            .arg("--quiet")
            .args(words)
            .stdin(Stdio::null());
        command
    }

    /// Runs a verb that must succeed; answers what it printed.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<String> {
        let shown = words
            .iter()
            .map(|word| word.as_ref().to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ");
        let output = self
            .command(words)
            .output()
            .with_context(|| format!("start nokv {shown}"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "nokv {shown} ended with {}: {errors}",
            output.status
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a verb with `-o jsonl`; answers its rows.
    pub(crate) fn rows<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Vec<Value>> {
        let mut all: Vec<&OsStr> = vec![OsStr::new("-o"), OsStr::new("jsonl")];
        all.extend(words.iter().map(AsRef::as_ref));
        let text = self.run(&all)?;
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }

    /// Starts a verb and leaves it running.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Child> {
        Ok(self
            .command(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?)
    }
}
