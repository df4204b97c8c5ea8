//! Gets and scans over the tree and, while it stands still, the overlay in front of it.

use super::blobs::engine_error;
use super::codec::{stored_key, unseal, user_key};
use super::overlay::{Overlay, PAGE_ROWS, StoredRow};
use crate::error::show_key;
use crate::{Error, ErrorKind, Result, Scan, Visit};
use holt::{RangeEntry, RangeIter, Tree};
use std::collections::VecDeque;

/// Rows that a cursor may look at and not deliver: the one that it starts behind and the one after its range.
const EDGE_ROWS: u64 = 2;

pub(super) fn get(tree: &Tree, overlay: &Overlay, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let stored = stored_key(key);
    let sealed = match overlay.get(&stored) {
        Some(row) => row,
        None => tree
            .get(&stored)
            .map_err(|error| engine_error("get", &show_key(key), error))?,
    };
    sealed.map(|sealed| unseal(&stored, sealed)).transpose()
}

/// As `Rows::scan`; answers how many removed rows it stepped over.
pub(super) fn scan(
    tree: &Tree,
    overlay: &Overlay,
    range: Scan<'_>,
    visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit,
) -> Result<u64> {
    let prefix = stored_key(range.prefix).into_owned();
    let after = match range.after {
        Some(after) if after < range.prefix => None,
        Some(after) if !after.starts_with(range.prefix) => return Ok(0),
        after => after.map(|after| stored_key(after).into_owned()),
    };
    let mut walk = Walk {
        tree,
        overlay,
        prefix,
        after,
        stepped: 0,
    };
    while walk.pass(visit)? == Pass::Again {}
    Ok(walk.stepped)
}

#[derive(PartialEq, Eq)]
enum Pass {
    Done,
    /// Rows moved from the overlay into the tree: go on after the last delivered row with a new cursor.
    Again,
}

struct Walk<'a> {
    tree: &'a Tree,
    overlay: &'a Overlay,
    prefix: Vec<u8>,
    /// The last delivered row, stored form.
    after: Option<Vec<u8>>,
    /// Removed rows that the cursors stepped over.
    stepped: u64,
}

impl Walk<'_> {
    fn pass(&mut self, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<Pass> {
        // The page is taken before the cursor moves, and a cursor is not used beyond the page's generation:
        // a row is in the page, or was in the tree when the cursor came by.
        let (generation, rows) = self.overlay.page(&self.prefix, self.after.as_deref());
        let page = VecDeque::from(rows);
        let mut cursor = Cursor::new(self.tree, &self.prefix, self.after.as_deref());
        let passed = self.deliver(&mut cursor, generation, page, visit);
        self.stepped += cursor.stepped();
        passed
    }

    fn deliver(
        &mut self,
        cursor: &mut Cursor,
        generation: u64,
        mut page: VecDeque<StoredRow>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<Pass> {
        let mut more = page.len() == PAGE_ROWS;
        loop {
            if page.is_empty() && more {
                let (now, rows) = self.overlay.page(&self.prefix, self.after.as_deref());
                if now != generation {
                    return Ok(Pass::Again);
                }
                more = rows.len() == PAGE_ROWS;
                page = rows.into();
            }
            let Some((key, sealed)) = next_row(cursor, &mut page)? else {
                return Ok(Pass::Done);
            };
            if let Some(sealed) = sealed {
                let value = unseal(&key, sealed)?;
                if visit(&user_key(&key)?, &value) == Visit::Stop {
                    return Ok(Pass::Done);
                }
            }
            self.after = Some(key);
        }
    }
}

/// The smaller of the two next rows; the overlay's when both have the same key.
fn next_row(cursor: &mut Cursor, page: &mut VecDeque<StoredRow>) -> Result<Option<StoredRow>> {
    let Some(front) = page.front() else {
        return cursor.take();
    };
    match cursor.peek()? {
        Some((key, _)) if *key < front.0 => cursor.take(),
        Some((key, _)) if *key == front.0 => {
            cursor.take()?;
            Ok(page.pop_front())
        }
        _ => Ok(page.pop_front()),
    }
}

struct Cursor {
    rows: RangeIter,
    next: Option<StoredRow>,
    /// The tree had no further row: later ones would be rows that the overlay already delivered.
    ended: bool,
}

impl Cursor {
    fn new(tree: &Tree, prefix: &[u8], after: Option<&[u8]>) -> Self {
        let mut range = tree.scan(prefix);
        if let Some(after) = after {
            range = range.start_after(after);
        }
        Self {
            rows: range.into_iter(),
            next: None,
            ended: false,
        }
    }

    /// Removed rows that it met.
    fn stepped(&self) -> u64 {
        let stats = self.rows.stats();
        stats
            .visited
            .saturating_sub(stats.returned)
            .saturating_sub(EDGE_ROWS)
    }

    fn take(&mut self) -> Result<Option<StoredRow>> {
        if self.next.is_some() {
            return Ok(self.next.take());
        }
        if self.ended {
            return Ok(None);
        }
        match self.rows.next() {
            None => {
                self.ended = true;
                Ok(None)
            }
            Some(Ok(RangeEntry::Key { key, value, .. })) => Ok(Some((key, Some(value)))),
            Some(Ok(_)) => Err(Error::new(
                ErrorKind::Engine,
                "scan",
                "tree",
                "a rollup without a delimiter",
            )),
            Some(Err(error)) => Err(engine_error("scan", "tree", error)),
        }
    }

    fn peek(&mut self) -> Result<Option<&StoredRow>> {
        if self.next.is_none() {
            self.next = self.take()?;
        }
        Ok(self.next.as_ref())
    }
}
