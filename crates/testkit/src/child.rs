//! A child process that is killed: the test program again, with one of its tests as the child's work.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running child; dropping it kills it.
#[derive(Debug)]
pub struct Killable {
    child: Child,
}

impl Killable {
    /// Runs the test `test` of this program in a process of its own, with these variables set.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn test(test: &str, variables: &[(&str, &Path)]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", test, "--nocapture", "--test-threads", "1"]);
        command.envs(variables.iter().copied());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        Ok(Self { child })
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// From the operating system.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Kills it without a warning and waits until it is gone.
    ///
    /// # Errors
    /// From the operating system.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        // Mostly it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
