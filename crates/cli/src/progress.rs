//! Progress of long commands: a bar on a terminal, nothing elsewhere; the summary line is the verb's.

use crate::context::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _, Read};
use std::time::Duration;

/// How often the bar is drawn, per second.
const DRAWS_PER_SECOND: u8 = 10;
/// Time between two turns of a spinner.
const SPIN_INTERVAL: Duration = Duration::from_millis(100);

/// Counts bytes and shows them; clones count together.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar over so many bytes; a spinner when their number is not known.
    pub(crate) fn bytes(context: &Context, total: Option<u64>) -> Self {
        let shown = !context.out.quiet && io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::with_draw_target(Some(total), target),
                "{bar:30} {bytes:>11} of {total_bytes:11} {binary_bytes_per_sec:>14} {eta:>4} {wide_msg}",
            ),
            None => (
                ProgressBar::with_draw_target(None, target),
                "{spinner} {bytes:>11} {binary_bytes_per_sec:>14} {elapsed:>4} {wide_msg}",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// A spinner for work that does not say how far it is.
    pub(crate) fn waiting(context: &Context, what: &str) -> Self {
        let shown = !context.out.quiet && io::stderr().is_terminal();
        if !shown {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(SPIN_INTERVAL);
        Self { bar }
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Says what is being worked on.
    pub(crate) fn now_at(&self, what: impl FnOnce() -> String) {
        if !self.bar.is_hidden() {
            self.bar.set_message(what());
        }
    }

    /// Takes the bar away and answers how long it took.
    pub(crate) fn finish(&self) -> Duration {
        self.bar.finish_and_clear();
        self.bar.elapsed()
    }

    /// A reader whose bytes are counted.
    pub(crate) fn reading<R: Read>(&self, from: R) -> Counted<R> {
        Counted {
            from,
            progress: self.clone(),
        }
    }
}

/// A reader that tells the bar.
pub(crate) struct Counted<R> {
    from: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(buffer)?;
        self.progress.add(got as u64);
        Ok(got)
    }
}

/// Bytes in a second, for people.
pub(crate) fn rate(bytes: u64, took: Duration) -> String {
    let nanos = took.as_nanos().max(1);
    let per_second = u128::from(bytes) * 1_000_000_000 / nanos;
    format!(
        "{}/s",
        crate::output::show_size(u64::try_from(per_second).unwrap_or(u64::MAX))
    )
}

/// A duration in seconds with two digits behind the point.
pub(crate) fn seconds(took: Duration) -> String {
    format!("{}.{:02} s", took.as_secs(), took.subsec_millis() / 10)
}
