//! A clock that tests move.

use nokv_metad::Clocks;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Wall and boot time in one; every look takes a microsecond.
#[derive(Debug)]
pub(crate) struct TestClock {
    ns: AtomicU64,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            ns: AtomicU64::new(1_700_000_000_000_000_000),
        }
    }

    /// So far ahead of the machine's clock.
    pub(crate) fn ahead(time: Duration) -> Self {
        let now = nokv_metad::SystemClocks.wall_ns() as u64;
        Self {
            ns: AtomicU64::new(now + time.as_nanos() as u64),
        }
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.ns.fetch_add(time.as_nanos() as u64, Ordering::SeqCst);
    }

    fn look(&self) -> u64 {
        self.ns.fetch_add(1000, Ordering::SeqCst)
    }
}

impl Clocks for TestClock {
    fn wall_ns(&self) -> i64 {
        self.look() as i64
    }

    fn boottime_ns(&self) -> u64 {
        self.look()
    }
}
