//! The in-memory implementation: a map under a lock. The oracle of the conformance suite.

use crate::{Mutation, Mutations, Result, Rows, Scan, Store, Visit};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// An ordered map with the store's seam; nothing survives the process.
#[derive(Debug, Default)]
pub struct ModelStore {
    rows: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
    stamp: AtomicU64,
    writer: RwLock<()>,
}

impl ModelStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of every row, in key order.
    pub fn to_rows(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Rows for ModelStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self
            .rows
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned())
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let from = match range.after {
            Some(after) if after >= range.prefix => Bound::Excluded(after),
            _ => Bound::Included(range.prefix),
        };
        for (key, value) in rows.range::<[u8], _>((from, Bound::Unbounded)) {
            if !key.starts_with(range.prefix) || visit(key, value) == Visit::Stop {
                break;
            }
        }
        Ok(())
    }
}

impl Store for ModelStore {
    fn apply(&self, batch: &Mutations) -> Result<()> {
        let _writer = self.writer.write().unwrap_or_else(PoisonError::into_inner);
        self.stamp.fetch_add(1, Ordering::AcqRel);
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for mutation in batch.iter() {
            match mutation {
                Mutation::Put(key, value) => drop(rows.insert(key.to_vec(), value.to_vec())),
                Mutation::Delete(key) => drop(rows.remove(key)),
            }
        }
        drop(rows);
        self.stamp.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn stamp(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    fn exclude_writer(&self, read: &mut dyn FnMut()) {
        let _writer = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        read();
    }
}
