//! Runs one libtest program: passes its output on, sums its summaries, ends it when it hangs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::counts::Counts;
use crate::process::shown;

/// How one program ended.
enum End {
    /// It closed its output.
    Closed,
    /// It did not within the limit.
    Hung,
}

/// Runs `command` and sums the summary lines in its output; several runs in one output are fine.
///
/// A program that fails without a failed test, prints no summary at all, or outlives `limit` counts as one
/// failure: a run that says nothing has proved nothing.
pub(crate) fn libtest(command: &mut Command, limit: Duration) -> Result<Counts> {
    libtest_to(command, limit, &mut |line| println!("{line}"))
}

/// The same, with every line of the output handed to `each`.
pub(crate) fn libtest_to(
    command: &mut Command,
    limit: Duration,
    each: &mut dyn FnMut(&str),
) -> Result<Counts> {
    command.stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    let stdout = child.stdout.take().context("a child without stdout")?;
    let lines = lines_of(stdout);
    let mut counts = None;
    if let End::Hung = sum(&lines, limit, &mut counts, each) {
        each(&format!(
            "`{}` runs longer than {} s and is ended",
            shown(command),
            limit.as_secs()
        ));
        child.kill()?;
    }
    let status = child.wait()?;
    let mut total = counts.unwrap_or_default();
    if counts.is_none() {
        each(&format!(
            "`{}` printed no summary of tests ({status})",
            shown(command)
        ));
        total += Counts::one_failure();
    } else if !status.success() && total.failed == 0 {
        each(&format!(
            "`{}` ended with {status} though no test failed",
            shown(command)
        ));
        total += Counts::one_failure();
    }
    Ok(total)
}

/// Reads lines on a thread of its own, so that waiting for the next one can time out.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    receiver
}

fn sum(
    lines: &Receiver<String>,
    limit: Duration,
    counts: &mut Option<Counts>,
    each: &mut dyn FnMut(&str),
) -> End {
    let deadline = Instant::now() + limit;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                each(&line);
                if let Some(more) = Counts::parse(&line) {
                    *counts.get_or_insert_default() += more;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return End::Closed,
            Err(RecvTimeoutError::Timeout) => return End::Hung,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Counts {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        libtest(&mut command, limit).unwrap()
    }

    const LONG: Duration = Duration::from_mins(1);
    const SUMMARY: &str = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured'";

    #[test]
    fn summaries_of_one_output_are_added() {
        let counts = shell(&format!("{SUMMARY}; {SUMMARY}"), LONG);
        assert_eq!(
            counts,
            Counts {
                passed: 4,
                failed: 0,
                skipped: 0
            }
        );
    }

    #[test]
    fn a_program_that_dies_after_its_summary_is_a_failure() {
        let counts = shell(&format!("{SUMMARY}; exit 3"), LONG);
        assert_eq!(
            counts,
            Counts {
                passed: 2,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn a_program_without_a_summary_is_a_failure_even_when_it_succeeds() {
        assert_eq!(shell("true", LONG), Counts::one_failure());
    }

    #[test]
    fn a_program_that_hangs_is_ended_and_is_a_failure() {
        let counts = shell(
            &format!("{SUMMARY}; exec tail -f /dev/null"),
            Duration::from_millis(200),
        );
        assert_eq!(counts.failed, 1);
    }

    #[test]
    fn output_that_is_not_utf8_does_not_stop_the_count() {
        let counts = shell(&format!("printf '\\377\\n'; {SUMMARY}"), LONG);
        assert_eq!(counts.passed, 2);
    }
}
