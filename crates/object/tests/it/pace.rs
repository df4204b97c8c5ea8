//! Time that only passes when somebody sleeps, and the seed of a run.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::Duration;

use nokv_object::SplitMix;
use nokv_object::retry::Pace;

/// The variable that replays a run.
const SEED_ENV: &str = "NOKV_SEED";

/// The seed of this run, printed.
pub(crate) fn seed() -> u64 {
    let given = env::var(SEED_ENV)
        .ok()
        .map(|text| text.parse().expect("NOKV_SEED is a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("{SEED_ENV}={seed}");
    seed
}

/// Virtual time.
#[derive(Debug)]
pub(crate) struct TestPace {
    state: Mutex<(Duration, SplitMix, Vec<Duration>)>,
}

impl TestPace {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new((Duration::ZERO, SplitMix::new(seed), Vec::new())),
        }
    }

    /// Every sleep so far.
    pub(crate) fn sleeps(&self) -> Vec<Duration> {
        self.state.lock().unwrap().2.clone()
    }
}

impl Pace for TestPace {
    fn elapsed(&self) -> Duration {
        self.state.lock().unwrap().0
    }

    fn sleep(&self, time: Duration) {
        let mut state = self.state.lock().unwrap();
        state.0 += time;
        state.2.push(time);
    }

    fn random(&self) -> u64 {
        self.state.lock().unwrap().1.next_u64()
    }
}
