//! Slowing callers down when the log fills faster than checkpoints let it be trimmed.
//!
//! Owns: whether callers wait, and for how long. Must not know why the log is kept, nor how it is freed.
//! Invariant: nobody waits while the workers cannot make room; then the log fills up and its limit is answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long one call waits for room at most; then it takes what is left.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// Callers wait while more than this many quarters of the log that they may use are taken.
const QUARTERS: u64 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Whether callers wait, for a look without the lock.
    waiting: AtomicBool,
    state: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    /// The log is fuller than callers should make it.
    filling: bool,
    /// The last try to make room did not work.
    hopeless: bool,
    /// There are workers that make room.
    tended: bool,
}

impl Known {
    fn has_callers_wait(&self) -> bool {
        self.filling && self.tended && !self.hopeless
    }
}

impl Pace {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        change(&mut known);
        self.waiting.store(known.has_callers_wait(), Ordering::Release);
        self.changed.notify_all();
    }

    /// So many bytes of the log are in use, of so many that callers may use; answers whether it has just become
    /// too many.
    pub(crate) fn note_used(&self, bytes: u64, bytes_max: u64) -> bool {
        let filling = bytes > bytes_max / 4 * QUARTERS;
        let mut begins = false;
        self.note(|known| {
            begins = filling && !known.filling;
            known.filling = filling;
        });
        begins
    }

    /// Whether the last try to make room worked.
    pub(crate) fn note_tried(&self, worked: bool) {
        self.note(|known| known.hopeless = !worked);
    }

    /// Whether there are workers that make room, from now on.
    pub(crate) fn note_tended(&self, tended: bool) {
        self.note(|known| known.tended = tended);
    }

    /// Waits until there is room again, but not for ever.
    pub(crate) fn wait(&self) {
        if !self.waiting.load(Ordering::Acquire) {
            return;
        }
        let going = |known: &mut Known| known.has_callers_wait();
        let waited = self.changed.wait_timeout_while(self.known(), WAIT_MAX, going);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn who_waits_goes_on_when_there_is_room_or_no_hope() {
        for ends in [
            (|pace: &Pace| assert!(!pace.note_used(75, 100))) as fn(&Pace),
            |pace| pace.note_tried(false),
            |pace| pace.note_tended(false),
        ] {
            let pace = Pace::default();
            pace.note_tended(true);
            assert!(pace.note_used(76, 100));
            assert!(!pace.note_used(90, 100), "it has been too much before");
            let (passed, passes) = mpsc::channel();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    pace.wait();
                    passed.send(()).unwrap();
                });
                assert!(passes.recv_timeout(Duration::from_millis(20)).is_err());
                ends(&pace);
                passes.recv().unwrap();
            });
        }
    }

    #[test]
    fn nobody_waits_while_the_log_has_room_or_there_is_no_hope() {
        let pace = Pace::default();
        assert!(pace.note_used(100, 100));
        pace.wait();
        pace.note_tried(false);
        pace.note_tended(true);
        pace.wait();
        assert!(!pace.note_used(10, 100));
        pace.note_tried(true);
        pace.wait();
    }
}
