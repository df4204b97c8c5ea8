//! Applying batches.

use super::HoltStore;
use super::blobs::engine_error;
use super::codec::{seal, stored_key};
use super::overlay::{Phase, StoredRow};
use crate::{Mutation, Mutations, Result};
use nokv_types::failpoint;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLockWriteGuard};

impl HoltStore {
    pub(super) fn apply_batch(&self, batch: &Mutations) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let _writer = self.admit_writer();
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        self.stamp.fetch_add(1, Ordering::AcqRel);
        let outcome = match self.overlay.phase() {
            Phase::Off => self.apply_to_tree(batch),
            Phase::Frozen => {
                self.overlay.extend(stored_rows(batch));
                Ok(())
            }
            Phase::Merging => {
                let applied = self.apply_to_tree(batch);
                self.overlay.refresh(stored_rows(batch));
                applied
            }
        };
        self.stamp.fetch_add(1, Ordering::AcqRel);
        outcome
    }

    /// Excludes readers and other writers, after waiting for room in the overlay while the tree is frozen.
    fn admit_writer(&self) -> RwLockWriteGuard<'_, ()> {
        loop {
            let writer = self.writer.write().unwrap_or_else(PoisonError::into_inner);
            if self.overlay.phase() != Phase::Frozen || !self.overlay.is_full() {
                return writer;
            }
            drop(writer);
            let publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
            let frozen = |_: &mut bool| self.overlay.phase() == Phase::Frozen;
            drop(
                self.thawed
                    .wait_while(publishing, frozen)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    fn apply_to_tree(&self, batch: &Mutations) -> Result<()> {
        failpoint::hit("store.apply").map_err(|error| {
            engine_error("apply", "batch", holt::Error::Internal("failpoint")).caused_by(error)
        })?;
        let mut sealed = Vec::new();
        let deletes = batch
            .iter()
            .filter(|change| matches!(change, Mutation::Delete(_)));
        self.removed.add(deletes.count() as u64);
        self.change_tree(|rows| {
            for mutation in batch.iter() {
                match mutation {
                    Mutation::Put(key, value) => {
                        let key = stored_key(key);
                        seal(&key, value, &mut sealed);
                        rows.put(&key, &sealed);
                    }
                    Mutation::Delete(key) => rows.delete(&stored_key(key)),
                }
            }
        })
    }

    /// Puts rows of the overlay into the tree.
    pub(super) fn merge_rows(&self, page: &[StoredRow]) -> Result<()> {
        self.removed
            .add(page.iter().filter(|(_, value)| value.is_none()).count() as u64);
        self.change_tree(|rows| {
            for (key, value) in page {
                match value {
                    Some(sealed) => rows.put(key, sealed),
                    None => rows.delete(key),
                }
            }
        })
    }

    fn change_tree(&self, build: impl FnOnce(&mut holt::AtomicBatch)) -> Result<()> {
        let applied = self.tree.atomic(build);
        applied.map(|_| ()).map_err(|error| {
            let mut error = engine_error("apply", "batch", error);
            // Whatever it was, the first rows of the batch may be in.
            error.kind = crate::ErrorKind::Engine;
            error
        })
    }
}

fn stored_rows(batch: &Mutations) -> impl Iterator<Item = StoredRow> {
    batch.iter().map(|mutation| match mutation {
        Mutation::Put(key, value) => {
            let key = stored_key(key).into_owned();
            let mut sealed = Vec::new();
            seal(&key, value, &mut sealed);
            (key, Some(sealed))
        }
        Mutation::Delete(key) => (stored_key(key).into_owned(), None),
    })
}
