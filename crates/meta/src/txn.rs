//! The overlay of a batch: changes that later commands of the batch see and that become one [`Mutations`].
//!
//! Owns: what was changed by the running command and by the commands before it. A command's changes join the
//! batch when it succeeds and are dropped when it is refused. Must not know what a row means.

use crate::Result;
use nokv_store::{Mutation, Mutations, Rows, Scan, Visit};
use std::collections::BTreeMap;
use std::ops::Bound;

type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Rows of the store with the changes of a batch on top.
#[derive(Debug)]
pub(crate) struct Txn<'a, R: Rows> {
    base: &'a R,
    batch: Changes,
    command: Changes,
}

impl<'a, R: Rows> Txn<'a, R> {
    pub(crate) fn new(base: &'a R) -> Self {
        Self {
            base,
            batch: Changes::new(),
            command: Changes::new(),
        }
    }

    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.command.insert(key, Some(value));
    }

    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.command.insert(key, None);
    }

    /// The running command succeeded: its changes belong to the batch.
    pub(crate) fn keep(&mut self) {
        self.batch.append(&mut self.command);
    }

    /// The running command was refused: its changes never happened.
    pub(crate) fn drop_command(&mut self) {
        self.command.clear();
    }

    /// Whether the batch or the running command changed the key.
    pub(crate) fn is_changed(&self, key: &[u8]) -> bool {
        self.command.contains_key(key) || self.batch.contains_key(key)
    }

    /// Rows that the batch changes so far.
    pub(crate) fn rows(&self) -> usize {
        self.batch.len()
    }

    /// The changes of the whole batch in key order.
    pub(crate) fn into_mutations(self) -> Result<Mutations> {
        let changes = self.batch.iter().map(|(key, value)| match value {
            Some(value) => Mutation::Put(key, value),
            None => Mutation::Delete(key),
        });
        Ok(Mutations::from_sorted(changes)?)
    }
}

impl<R: Rows> Rows for Txn<'_, R> {
    fn get(&self, key: &[u8]) -> nokv_store::Result<Option<Vec<u8>>> {
        match self.command.get(key).or_else(|| self.batch.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> nokv_store::Result<()> {
        let mut upper = changes_in(&self.batch, range).peekable();
        let mut top = changes_in(&self.command, range).peekable();
        // Overlays are small: join them once, newest last, then merge with the base in one pass.
        if upper.peek().is_none() && top.peek().is_none() {
            return self.base.scan(range, visit);
        }
        let mut overlay: BTreeMap<&[u8], Option<&[u8]>> = upper.collect();
        overlay.extend(top);
        let mut overlay = overlay.into_iter().peekable();
        let mut stopped = false;
        self.base.scan(range, &mut |key, value| {
            while let Some((changed, new)) = overlay.next_if(|(changed, _)| *changed < key) {
                if let Some(new) = new
                    && visit(changed, new) == Visit::Stop
                {
                    stopped = true;
                    return Visit::Stop;
                }
            }
            let answer = match overlay.next_if(|(changed, _)| *changed == key) {
                Some((_, Some(new))) => visit(key, new),
                Some((_, None)) => Visit::Next,
                None => visit(key, value),
            };
            stopped = answer == Visit::Stop;
            answer
        })?;
        while !stopped && let Some((changed, new)) = overlay.next() {
            if let Some(new) = new {
                stopped = visit(changed, new) == Visit::Stop;
            }
        }
        Ok(())
    }
}

fn changes_in<'c>(
    changes: &'c Changes,
    range: Scan<'_>,
) -> impl Iterator<Item = (&'c [u8], Option<&'c [u8]>)> {
    let from = match range.after {
        Some(after) if after >= range.prefix => Bound::Excluded(after),
        _ => Bound::Included(range.prefix),
    };
    let prefix = range.prefix.to_vec();
    changes
        .range::<[u8], _>((from, Bound::Unbounded))
        .take_while(move |(key, _)| key.starts_with(&prefix))
        .map(|(key, value)| (key.as_slice(), value.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nokv_store::{ModelStore, Store};

    #[test]
    fn scans_see_changes_over_the_base_in_order() {
        let store = ModelStore::new();
        let rows = [
            Mutation::Put(b"a1", b"1"),
            Mutation::Put(b"a2", b"2"),
            Mutation::Put(b"a4", b"4"),
        ];
        store.apply(&Mutations::from_sorted(rows).unwrap()).unwrap();
        let mut txn = Txn::new(&store);
        txn.put(b"a3".to_vec(), b"3".to_vec());
        txn.delete(b"a2".to_vec());
        txn.keep();
        txn.put(b"a5".to_vec(), b"5".to_vec());
        txn.put(b"a1".to_vec(), b"one".to_vec());
        let mut seen = Vec::new();
        txn.scan(Scan::prefix(b"a"), &mut |key, value| {
            seen.push((key.to_vec(), value.to_vec()));
            Visit::Next
        })
        .unwrap();
        let want: Vec<(Vec<u8>, Vec<u8>)> = [("a1", "one"), ("a3", "3"), ("a4", "4"), ("a5", "5")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        assert_eq!(seen, want);
        txn.drop_command();
        assert_eq!(txn.get(b"a1").unwrap(), Some(b"1".to_vec()));
    }
}
