//! The clocks that the engine is given: the only place of this crate that reads the machine's.

use rustix::time::{ClockId, clock_gettime};

/// Readings of time, injected so that tests own them.
pub trait Clocks: Send + Sync + 'static {
    /// Wall time, ns since 1970.
    fn wall_ns(&self) -> i64;
    /// Time since boot, suspends included, ns: what elapses between two segments.
    fn boottime_ns(&self) -> u64;
    /// Which boot `boottime_ns` counts from; `None` where that is not known: nothing elapses between two owners then.
    fn boot_id(&self) -> Option<[u8; 16]> {
        None
    }
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

    fn boot_id(&self) -> Option<[u8; 16]> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let digits = text.trim().replace('-', "");
        u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
    }
}

fn nanoseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(now.tv_nsec as i64)
}
