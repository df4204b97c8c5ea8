//! Log time: a clock for leases and retention that no jump of the wall clock can make run ahead or backwards.
//!
//! Owns the rule only; readings are handed in. Invariant: answers never decrease, never pass the wall
//! reading unless an earlier answer already did, and never advance faster than 1.1 times the time since boot.

/// The state of the log clock between two segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTime {
    previous_ns: u64,
    since: Anchor,
}

/// A moment at which log time was known to have come so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Log time then, ns.
    pub log_ns: u64,
    /// The time since boot then, ns; it means something only during the same boot.
    pub boottime_ns: u64,
}

impl LogTime {
    /// A clock for a workspace that has no log yet: starts at the wall reading.
    pub fn first(wall_ns: u64, boottime_ns: u64) -> Self {
        Self::resume(wall_ns, boottime_ns)
    }

    /// The clock after a restart about which nothing is known: nothing has elapsed since the last segment, whatever
    /// the clocks say.
    pub fn resume(previous_ns: u64, boottime_ns: u64) -> Self {
        let since = Anchor {
            log_ns: previous_ns,
            boottime_ns,
        };
        Self { previous_ns, since }
    }

    /// The clock after a restart during the same boot as `since`: what has elapsed since then has elapsed.
    pub fn resume_since(previous_ns: u64, since: Anchor) -> Self {
        Self { previous_ns, since }
    }

    /// The log time of the next segment, from both clock readings.
    pub fn advance(&mut self, wall_ns: u64, boottime_ns: u64) -> u64 {
        let elapsed = boottime_ns.saturating_sub(self.since.boottime_ns);
        let reach = self
            .since
            .log_ns
            .saturating_add(elapsed)
            .saturating_add(elapsed / 10);
        self.previous_ns = self.previous_ns.max(wall_ns.min(reach));
        self.since = Anchor {
            log_ns: self.previous_ns,
            boottime_ns: self.since.boottime_ns.max(boottime_ns),
        };
        self.previous_ns
    }

    /// What a later owner resumes from, during the same boot.
    pub fn anchor(&self) -> Anchor {
        self.since
    }

    /// The last answer.
    pub fn now_ns(&self) -> u64 {
        self.previous_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn follows_the_wall_while_it_behaves() {
        let mut clock = LogTime::first(100 * SECOND, 5 * SECOND);
        assert_eq!(clock.advance(101 * SECOND, 6 * SECOND), 101 * SECOND);
        assert_eq!(clock.advance(102 * SECOND, 7 * SECOND), 102 * SECOND);
    }

    #[test]
    fn a_wall_jump_forward_is_taken_up_slowly() {
        let mut clock = LogTime::first(100 * SECOND, 0);
        assert_eq!(clock.advance(1_000_000 * SECOND, 10 * SECOND), 111 * SECOND);
        assert_eq!(clock.advance(1_000_000 * SECOND, 10 * SECOND), 111 * SECOND);
    }

    #[test]
    fn a_wall_jump_backwards_stands_still() {
        let mut clock = LogTime::first(100 * SECOND, 0);
        assert_eq!(clock.advance(3 * SECOND, 50 * SECOND), 100 * SECOND);
        assert_eq!(clock.now_ns(), 100 * SECOND);
    }

    #[test]
    fn nothing_elapses_across_a_restart_or_a_boot() {
        let mut clock = LogTime::resume(100 * SECOND, 7 * SECOND);
        assert_eq!(clock.advance(9_000 * SECOND, 7 * SECOND), 100 * SECOND);
        // A boot clock that went back (another boot) is no elapsed time either.
        assert_eq!(clock.advance(9_000 * SECOND, SECOND), 100 * SECOND);
        assert_eq!(
            clock.advance(9_000 * SECOND, 8 * SECOND),
            101 * SECOND + SECOND / 10
        );
    }

    #[test]
    fn what_elapsed_between_two_owners_of_one_boot_counts_and_no_more() {
        let since = Anchor {
            log_ns: 100 * SECOND,
            boottime_ns: 50 * SECOND,
        };
        let resumed = || LogTime::resume_since(103 * SECOND, since);
        assert_eq!(resumed().advance(170 * SECOND, 120 * SECOND), 170 * SECOND);
        // However far the wall jumped ahead: 70 s and a tenth since the anchor; nothing when it jumped back.
        assert_eq!(resumed().advance(9_000 * SECOND, 120 * SECOND), 177 * SECOND);
        assert_eq!(resumed().advance(3 * SECOND, 120 * SECOND), 103 * SECOND);
        assert_eq!(resumed().advance(9_000 * SECOND, 51 * SECOND), 103 * SECOND);
        // A boot clock before the anchor's is none of this boot.
        assert_eq!(resumed().advance(9_000 * SECOND, SECOND), 103 * SECOND);
        let mut clock = resumed();
        clock.advance(170 * SECOND, 120 * SECOND);
        assert_eq!(clock.anchor().log_ns, 170 * SECOND);
        assert_eq!(clock.advance(9_000 * SECOND, 130 * SECOND), 181 * SECOND);
    }

    #[test]
    fn the_end_of_time_does_not_wrap() {
        let mut clock = LogTime::resume(u64::MAX - 1, 0);
        assert_eq!(clock.advance(u64::MAX, u64::MAX), u64::MAX);
    }
}
