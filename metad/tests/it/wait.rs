//! Waiting for what another thread or process does: a condition, never a time alone.

use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);
/// Long enough for anything that still works, on any machine.
pub(crate) const LONG: Duration = Duration::from_mins(2);

/// Whether the condition came to hold within that time.
#[expect(
    clippy::disallowed_methods,
    reason = "another process is waited for in real time"
)]
pub(crate) fn until(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() >= within {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

/// Rounds of a load: at least `least`, and until the time is over.
#[expect(clippy::disallowed_methods, reason = "a load runs for a real time")]
pub(crate) fn rounds(least: u64, time: Duration) -> impl Iterator<Item = u64> {
    let start = Instant::now();
    (0..).take_while(move |round| *round < least || start.elapsed() < time)
}
