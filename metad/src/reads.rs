//! What readers see: the rows of the store together with the table of timelines that belongs to them.
//!
//! The store keeps its own even and odd stamp around a batch. A batch that changes the table puts a second one
//! around both changes, so that no reader joins a new table with old rows. Other batches cost readers nothing.

use nokv_meta::{Moment, Reader, Timelines};
use nokv_store::{HoltStore, OPTIMISTIC_READS_MAX, Store};
use nokv_types::Version;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The table of timelines as readers get it.
#[derive(Debug)]
pub(crate) struct Published {
    /// Odd while rows and table change together.
    stamp: AtomicU64,
    table: RwLock<Arc<Timelines>>,
    /// The last version whose rows readers see; what was only logged is not among them.
    applied: AtomicU64,
    /// The same version and when it was committed.
    newest: Mutex<Moment>,
    /// Held by the committer while rows and table change together.
    changing: RwLock<()>,
}

impl Published {
    pub(crate) fn new(table: Arc<Timelines>, newest: Moment) -> Self {
        Self {
            stamp: AtomicU64::new(0),
            table: RwLock::new(table),
            applied: AtomicU64::new(newest.version.0),
            newest: Mutex::new(newest),
            changing: RwLock::new(()),
        }
    }

    /// The newest version that readers see.
    pub(crate) fn version(&self) -> Version {
        Version(self.applied.load(Ordering::Acquire))
    }

    /// The newest version that readers see, and when it was committed.
    pub(crate) fn newest(&self) -> Moment {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `apply`, which changes rows up to the version `last`; when `table` is a new one readers get it with those
    /// rows.
    pub(crate) fn change<E>(
        &self,
        table: &Arc<Timelines>,
        last: Moment,
        apply: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.change_rows(table, apply)?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if last.version > newest.version {
            *newest = last;
            self.applied.store(last.version.0, Ordering::Release);
        }
        Ok(())
    }

    fn change_rows<E>(&self, table: &Arc<Timelines>, apply: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if Arc::ptr_eq(&self.table(), table) {
            return apply();
        }
        let _changing = self.changing.write().unwrap_or_else(PoisonError::into_inner);
        self.stamp.fetch_add(1, Ordering::AcqRel);
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(table);
        let outcome = apply();
        self.stamp.fetch_add(1, Ordering::AcqRel);
        outcome
    }

    /// Runs `read` on one state between two batches. It may run several times; the last result counts.
    pub(crate) fn read<T>(&self, store: &HoltStore, mut read: impl FnMut(&Reader<'_, HoltStore>) -> T) -> T {
        let mut once = || {
            let table = self.table();
            store.consistent(|| read(&Reader::new(store, &table)))
        };
        for _ in 0..OPTIMISTIC_READS_MAX {
            let before = self.stamp.load(Ordering::Acquire);
            if before & 1 == 1 {
                std::hint::spin_loop();
                continue;
            }
            let result = once();
            // The loads of `read` must not sink below the second look at the stamp.
            fence(Ordering::Acquire);
            if self.stamp.load(Ordering::Acquire) == before {
                return result;
            }
        }
        let _held = self.changing.read().unwrap_or_else(PoisonError::into_inner);
        once()
    }

    /// The newest table.
    pub(crate) fn table(&self) -> Arc<Timelines> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}
