//! Which version was current when: one row per second in which something was committed.

use crate::batch::Batch;
use crate::keys::{Family, Key};
use nokv_store::Rows;
use nokv_types::codec::{put_signed, put_varint};

/// Shortest time between two time rows, ns.
pub(crate) const TIME_ROW_NS: u64 = 1_000_000_000;

impl<R: Rows> Batch<'_, R> {
    /// At the first batch of a second: the version that was current when it began.
    pub(crate) fn note_time(&mut self) {
        if self.clock.log_ns < self.state.timed.saturating_add(TIME_ROW_NS) {
            return;
        }
        self.state.timed = self.clock.log_ns;
        let mut value = vec![1];
        put_varint(&mut value, self.barrier.0);
        put_signed(&mut value, self.clock.wall_ns);
        self.txn
            .put(Key::new(Family::Time).id(self.clock.log_ns).done(), value);
    }
}
