//! Time, sleep and chance, injected: the only place of the crate that may read a clock.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::SplitMix;

/// What retries need of the world.
pub trait Pace: Send + Sync + Debug {
    /// Time since some fixed start; never goes back.
    fn elapsed(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration);
    /// 64 random bits.
    fn random(&self) -> u64;
}

/// The real clock, with jitter from a seeded generator.
#[derive(Debug)]
pub struct SystemPace {
    start: Instant,
    rng: Mutex<SplitMix>,
}

impl SystemPace {
    /// Starts the clock. Processes should differ in `seed`, so that they do not come back together.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge where the clock is injected"
    )]
    pub fn new(seed: u64) -> Self {
        Self {
            start: Instant::now(),
            rng: Mutex::new(SplitMix::new(seed)),
        }
    }
}

impl Pace for SystemPace {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }

    fn random(&self) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }
}
