//! Which slots of the frames file are used, by how many, and which free ones still hold blocks.
//!
//! A slot is used by the live state, by each published or captured state that lists it, and by nobody
//! else; it is never handed out again before the last of them let go.

use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Users of each slot; its length is the length of the file in slots.
    users: Vec<u32>,
    /// Free slots with blocks behind them.
    backed: BTreeSet<u32>,
    /// Free slots whose blocks were given back.
    holes: BTreeSet<u32>,
}

impl Slots {
    /// All slots of a file of `len` slots, free and backed.
    pub(crate) fn of_file(len: u32) -> Self {
        Self {
            users: vec![0; len as usize],
            backed: (0..len).collect(),
            holes: BTreeSet::new(),
        }
    }

    /// Slots in the file, free ones included.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    /// Free slots, with and without blocks.
    pub(crate) fn free(&self) -> (usize, usize) {
        (self.backed.len(), self.holes.len())
    }

    /// Takes a free slot for one user; low ones first, so that the tail of the file falls free.
    pub(crate) fn take(&mut self) -> u32 {
        let free = self.backed.pop_first().or_else(|| self.holes.pop_first());
        let slot = free.unwrap_or_else(|| {
            self.users.push(0);
            self.users.len() as u32 - 1
        });
        self.users[slot as usize] = 1;
        slot
    }

    /// Adds a user; false when the file has no such slot.
    pub(crate) fn retain(&mut self, slot: u32) -> bool {
        let Some(users) = self.users.get_mut(slot as usize) else {
            return false;
        };
        *users += 1;
        self.backed.remove(&slot);
        self.holes.remove(&slot);
        true
    }

    /// Lets one user go.
    pub(crate) fn release(&mut self, slot: u32) {
        let users = &mut self.users[slot as usize];
        assert!(*users > 0, "slot {slot} released by a user that did not hold it");
        *users -= 1;
        if *users == 0 {
            self.backed.insert(slot);
        }
    }

    /// Cuts the free tail; the new length in slots when it is shorter than before.
    pub(crate) fn cut_tail(&mut self) -> Option<u32> {
        let used = self
            .users
            .iter()
            .rposition(|users| *users > 0)
            .map_or(0, |last| last + 1);
        if used == self.users.len() {
            return None;
        }
        self.users.truncate(used);
        self.backed.split_off(&(used as u32));
        self.holes.split_off(&(used as u32));
        Some(used as u32)
    }

    /// Takes out the backed free slots above the `keep` lowest, as runs of (first, count), for their
    /// blocks to be given back; [`Slots::punched`] returns them.
    pub(crate) fn surplus(&mut self, keep: usize) -> Vec<(u32, u32)> {
        let surplus: Vec<u32> = self.backed.iter().skip(keep).copied().collect();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for slot in surplus {
            self.backed.remove(&slot);
            match runs.last_mut() {
                Some((first, count)) if *first + *count == slot => *count += 1,
                _ => runs.push((slot, 1)),
            }
        }
        runs
    }

    /// The run is free again, without blocks.
    pub(crate) fn punched(&mut self, (first, count): (u32, u32)) {
        // The file may have been cut below the run meanwhile.
        let end = (first + count).min(self.users.len() as u32);
        self.holes.extend(first..end.max(first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_comes_back_only_after_its_last_user() {
        let mut slots = Slots::default();
        let slot = slots.take();
        assert!(slots.retain(slot));
        slots.release(slot);
        assert_ne!(slots.take(), slot);
        slots.release(slot);
        assert_eq!(slots.take(), slot);
    }

    #[test]
    fn the_free_tail_is_cut_and_the_middle_becomes_holes() {
        let mut slots = Slots::default();
        let taken: Vec<u32> = (0..10).map(|_| slots.take()).collect();
        for slot in [1, 2, 3, 5, 8, 9] {
            slots.release(taken[slot]);
        }
        assert_eq!(slots.cut_tail(), Some(8));
        assert_eq!(slots.surplus(1), vec![(2, 2), (5, 1)]);
        assert_eq!(slots.free(), (1, 0));
        for run in [(2, 2), (5, 1)] {
            slots.punched(run);
        }
        assert_eq!(slots.free(), (1, 3));
        assert_eq!((slots.take(), slots.take()), (1, 2));
    }

    #[test]
    fn a_slot_beyond_the_file_cannot_be_retained() {
        assert!(!Slots::of_file(3).retain(3));
    }
}
