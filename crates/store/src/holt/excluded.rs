//! Keeping the writer out while a thread reads, also when it does already.
//!
//! Invariant: a thread takes the lock of a store at most once. The lock lets waiting writers go first, so a second
//! reading lock of the same thread would wait for a writer that waits for the first.

use super::HoltStore;
use std::cell::Cell;
use std::sync::{PoisonError, RwLockReadGuard};

thread_local! {
    /// The store whose writer this thread keeps out, by its address.
    static KEPT_OUT: Cell<usize> = const { Cell::new(0) };
}

/// While it lives the writer is kept out.
pub(super) struct Excluded<'a> {
    /// `None` when somebody further up on this thread holds the lock.
    _writer: Option<RwLockReadGuard<'a, ()>>,
    previous: usize,
}

impl HoltStore {
    pub(super) fn without_writer(&self) -> Excluded<'_> {
        let this = std::ptr::from_ref(self).addr();
        let writer =
            (KEPT_OUT.get() != this).then(|| self.writer.read().unwrap_or_else(PoisonError::into_inner));
        Excluded {
            _writer: writer,
            previous: KEPT_OUT.replace(this),
        }
    }
}

impl Drop for Excluded<'_> {
    fn drop(&mut self) {
        KEPT_OUT.set(self.previous);
    }
}
