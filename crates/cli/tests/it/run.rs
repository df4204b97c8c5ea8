//! Running the command: a scratch data directory, and what came out.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A data directory that lives as long as the test.
pub(crate) struct Scratch {
    pub(crate) dir: TempDir,
}

/// What a run of the command answered.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Scratch {
    /// An initialised workspace.
    pub(crate) fn new() -> Self {
        let scratch = Self::bare();
        scratch.ok(&["init"]);
        scratch
    }

    /// A directory without a workspace.
    pub(crate) fn bare() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A path outside of the data directory.
    pub(crate) fn local(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.local(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The command with these arguments, in an environment of its own.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nokv"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("NOKV_DATA", self.data())
            // A log of 16 MiB instead of 128.
            .env("NOKV_LOG_RESERVE", "8M")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        ran(self.command(arguments).output().unwrap())
    }

    /// Runs it with this standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child: Child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that is refused early may not read all of it.
        let _may_be_closed = child.stdin.take().unwrap().write_all(input);
        ran(child.wait_with_output().unwrap())
    }

    /// Runs it and wants success; answers standard output.
    pub(crate) fn ok<S: AsRef<OsStr> + std::fmt::Debug>(&self, arguments: &[S]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.exit, 0, "{arguments:?}: {}", ran.err);
        String::from_utf8_lossy(&ran.out).into_owned()
    }

    /// Runs it and wants this exit code; answers standard error.
    pub(crate) fn fails(&self, arguments: &[&str], exit: i32) -> String {
        let ran = self.run(arguments);
        assert_eq!(
            ran.exit,
            exit,
            "{arguments:?}: {} {}",
            String::from_utf8_lossy(&ran.out),
            ran.err
        );
        ran.err
    }

    /// Runs it with JSON output.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.ok(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{arguments:?}: {why}: {text}"))
    }

    /// Everything that a refused command must leave as it was: entries with their attributes, snapshots, roots,
    /// the space they take.
    pub(crate) fn state(&self) -> [String; 4] {
        [
            self.ok(&["ls", "-Ra", "-o", "jsonl"]),
            self.ok(&["snapshot", "list", "-o", "jsonl"]),
            self.ok(&["fork", "list", "-o", "jsonl"]),
            self.ok(&["quota", "-o", "jsonl"]),
        ]
    }

    /// Wants a refusal with this exit code and these words; what it left is for the caller to look at.
    pub(crate) fn refuses<S: AsRef<OsStr> + std::fmt::Debug>(
        &self,
        arguments: &[S],
        exit: i32,
        words: &[&str],
    ) {
        let ran = self.run(arguments);
        assert_eq!(ran.exit, exit, "{arguments:?}: {}", ran.err);
        for word in words {
            assert!(
                ran.err.contains(word),
                "{arguments:?}: {word} is not in: {}",
                ran.err
            );
        }
    }

    /// Every path below the root, links and hidden names included.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.ok(&["ls", "-Ra"]).lines().map(str::to_owned).collect()
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        exit: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Bytes without long runs of zeros.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3] | 1)
        .collect()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
