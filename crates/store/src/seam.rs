//! The seam itself: reading rows, scanning ranges of them, applying batches.

use crate::{Mutations, Result};
use std::sync::atomic::{Ordering, fence};

/// How often [`Store::consistent`] tries before it excludes the writer.
pub const OPTIMISTIC_READS_MAX: u32 = 3;

/// What a scan does after the row it just delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Deliver the next row.
    Next,
    /// End the scan.
    Stop,
}

/// A range of keys: all that start with `prefix` and sort after `after`.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// Every delivered key starts with these bytes; empty = the whole store.
    pub prefix: &'a [u8],
    /// Only keys that sort strictly after this whole key; `None` = from the first.
    pub after: Option<&'a [u8]>,
}

impl<'a> Scan<'a> {
    /// All keys that start with `prefix`.
    pub fn prefix(prefix: &'a [u8]) -> Self {
        Self { prefix, after: None }
    }

    /// The same range, from the first key that sorts after `after`.
    #[must_use]
    pub fn after(self, after: &'a [u8]) -> Self {
        Self {
            after: Some(after),
            ..self
        }
    }
}

/// The read side: point gets and ordered scans.
///
/// A single get is atomic. Several reads belong together only inside [`Store::consistent`].
pub trait Rows {
    /// The value stored under `key`, or `None`.
    ///
    /// # Errors
    /// `Corrupt` when the value does not match its checksum; `Io` and `Engine` from below.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Delivers the rows of `range` in key order until `visit` answers [`Visit::Stop`].
    ///
    /// # Errors
    /// As [`Rows::get`]; rows delivered before the error were good.
    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()>;
}

impl<R: Rows + ?Sized> Rows for &R {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        (**self).get(key)
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()> {
        (**self).scan(range, visit)
    }
}

/// The whole seam: rows plus atomic batches.
pub trait Store: Rows + Send + Sync {
    /// Applies a batch; one caller at a time (the holder of the commit role).
    ///
    /// # Errors
    /// `Invalid` for a malformed batch, before anything was applied. Any other error leaves the store
    /// in an unknown state: the caller must end the process and recover from the log.
    ///
    /// # Durability
    /// None by itself: the commit log is what survives.
    fn apply(&self, batch: &Mutations) -> Result<()>;

    /// An even number that changes with every applied batch; odd while one is being applied.
    fn stamp(&self) -> u64;

    /// Runs `read` while no batch is being applied (waits for the running one, holds off the next).
    fn exclude_writer(&self, read: &mut dyn FnMut());

    /// Runs `read` so that everything it reads comes from one state between two batches.
    ///
    /// `read` may run several times; only the last result is returned. It must not keep what an
    /// earlier run saw.
    fn consistent<T>(&self, mut read: impl FnMut() -> T) -> T
    where
        Self: Sized,
    {
        for _ in 0..OPTIMISTIC_READS_MAX {
            let before = self.stamp();
            if before & 1 == 0 {
                let result = read();
                // The loads of `read` must not sink below the second look at the stamp.
                fence(Ordering::Acquire);
                if self.stamp() == before {
                    return result;
                }
            } else {
                std::hint::spin_loop();
            }
        }
        let mut result = None;
        self.exclude_writer(&mut || result = Some(read()));
        match result {
            Some(result) => result,
            None => read(),
        }
    }
}
