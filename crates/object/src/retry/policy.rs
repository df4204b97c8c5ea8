//! How often and how long.

use std::time::Duration;

/// Attempts of one call, the first included.
pub const RETRY_ATTEMPTS_MAX: u32 = 8;
/// No attempt starts later than this after the call; what the longest waiting caller (a durable write in
/// `Bucket` mode) is told.
pub const RETRY_DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait before the second attempt; it doubles with every further one.
pub const RETRY_DELAY_FIRST: Duration = Duration::from_millis(50);
/// Longest wait before any attempt.
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);
/// Size of the budget that all calls of a store share: 100 retries at once, then as many as successes earn.
pub const RETRY_TOKENS_MAX: u32 = 500;

pub(crate) const TOKENS_PER_RETRY: u32 = 5;
/// A store that asks for less load gets fewer repetitions.
pub(crate) const TOKENS_PER_THROTTLED_RETRY: u32 = 10;
pub(crate) const TOKENS_PER_SUCCESS: u32 = 1;

/// Limits of one call.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts, the first included; at least 1.
    pub attempts_max: u32,
    /// No attempt starts later than this after the call. An attempt that runs is ended by the store's own
    /// timeout.
    pub deadline: Duration,
    /// Longest wait before the second attempt.
    pub delay_first: Duration,
    /// Longest wait before any attempt.
    pub delay_max: Duration,
    /// Size of the budget of retries that all calls of the store share.
    pub tokens_max: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: RETRY_ATTEMPTS_MAX,
            deadline: RETRY_DEADLINE,
            delay_first: RETRY_DELAY_FIRST,
            delay_max: RETRY_DELAY_MAX,
            tokens_max: RETRY_TOKENS_MAX,
        }
    }
}

impl RetryPolicy {
    /// The wait after `attempts` attempts: anything up to the bound, which doubles each time (full jitter, so
    /// that callers that failed together do not come back together).
    pub(crate) fn delay(&self, attempts: u32, random: u64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let bound = self
            .delay_first
            .saturating_mul(1 << doublings)
            .min(self.delay_max);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(((u128::from(random) * u128::from(nanos)) >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_are_jittered_from_zero() {
        let policy = RetryPolicy::default();
        let longest = |attempts| policy.delay(attempts, u64::MAX);
        assert!(longest(1) <= RETRY_DELAY_FIRST && longest(1) > RETRY_DELAY_FIRST * 9 / 10);
        assert!(longest(3) > RETRY_DELAY_FIRST * 3 && longest(3) <= RETRY_DELAY_FIRST * 4);
        assert!(longest(40) <= RETRY_DELAY_MAX && longest(40) > RETRY_DELAY_MAX * 9 / 10);
        assert_eq!(policy.delay(8, 0), Duration::ZERO);
    }
}
