//! Which requests of the kernel's streams a client has taken the answers of.
//!
//! There a sequence is an identity and says nothing about its neighbours, so each is remembered by itself, oldest
//! first, up to a limit. A retired one can come again only as a copy that was on its way when the answer was
//! taken, and of those there are no more than answers that may wait for being taken.

use super::WINDOW_ANSWERS_MAX;
use std::collections::{HashSet, VecDeque};

/// Retired requests of one session that are remembered: four times as many as can be unanswered at once.
pub(super) const RETIRED_MAX: usize = 4 * WINDOW_ANSWERS_MAX;

/// Retired requests, (stream, sequence).
#[derive(Debug, Clone, Default)]
pub(super) struct Retired {
    order: VecDeque<(u32, u64)>,
    known: HashSet<(u32, u64)>,
}

impl Retired {
    pub(super) fn contains(&self, stream: u32, sequence: u64) -> bool {
        self.known.contains(&(stream, sequence))
    }

    /// Remembers a request; answers whether it is new.
    pub(super) fn insert(&mut self, stream: u32, sequence: u64) -> bool {
        if !self.known.insert((stream, sequence)) {
            return false;
        }
        self.order.push_back((stream, sequence));
        if self.order.len() > RETIRED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.order.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_beyond_the_limit() {
        let mut retired = Retired::default();
        assert!((0..=RETIRED_MAX as u64).all(|sequence| retired.insert(7, sequence)));
        assert!(!retired.insert(7, 5));
        assert!(!retired.contains(7, 0) && retired.contains(7, 1) && !retired.contains(8, 1));
        assert_eq!(retired.iter().count(), RETIRED_MAX);
        assert_eq!(retired.iter().next(), Some((7, 1)));
    }
}
