//! What the demo tells: one line per step, with how long it took.

use crate::say;
use std::time::Duration;

/// The steps told so far.
#[derive(Debug, Default)]
pub(crate) struct Story {
    steps: usize,
}

impl Story {
    /// Tells a step that held.
    pub(crate) fn tell(&mut self, took: Duration, what: &str) {
        self.steps += 1;
        say(&format!(
            "{:>2}. {:>8}  {what}",
            self.steps,
            format!("{:.2} s", took.as_secs_f64())
        ));
    }

    /// The last line.
    pub(crate) fn end(&self, took: Duration) {
        say(&format!(
            "demo: {} steps held in {:.1} s",
            self.steps,
            took.as_secs_f64()
        ));
    }
}
