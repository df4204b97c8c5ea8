//! The clocks that the engine is given: the only place of this crate that reads the machine's.

use rustix::time::{ClockId, clock_gettime};

/// Readings of time, injected so that tests own them.
pub trait Clocks: Send + Sync + 'static {
    /// Wall time, ns since 1970.
    fn wall_ns(&self) -> i64;
    /// Time since boot, suspends included, ns: what elapses between two segments.
    fn boottime_ns(&self) -> u64;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClocks;

impl Clocks for SystemClocks {
    fn wall_ns(&self) -> i64 {
        nanoseconds(ClockId::Realtime)
    }

    fn boottime_ns(&self) -> u64 {
        nanoseconds(ClockId::Boottime).max(0) as u64
    }
}

fn nanoseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(now.tv_nsec as i64)
}
