//! The overlay of a batch: changes that later commands of the batch see and that become one [`Mutations`].
//!
//! Owns: what was changed by the running command and by the commands before it. A command's changes join the
//! batch when it succeeds and are taken back when it is refused. Must not know what a row means.
//!
//! All changes are in one map, so that keeping a command costs nothing; a changed row remembers what the batch
//! had for its key before the running command, so that a refusal restores it.

use crate::Result;
use nokv_store::{Mutation, Mutations, Rows, Scan, Visit};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

/// A row of the batch: `value` of `None` = deleted.
#[derive(Debug)]
struct Change {
    value: Option<Vec<u8>>,
    /// The command that made it.
    command: u64,
    /// What the batch had before that command; `None` = nothing.
    before: Option<Box<Change>>,
}

/// Rows of the store with the changes of a batch on top.
#[derive(Debug)]
pub(crate) struct Txn<'a, R: Rows> {
    base: &'a R,
    batch: BTreeMap<Vec<u8>, Change>,
    /// The number of the running command.
    command: u64,
    /// Whether the running command changed anything.
    changed: bool,
}

impl<'a, R: Rows> Txn<'a, R> {
    pub(crate) fn new(base: &'a R) -> Self {
        Self {
            base,
            batch: BTreeMap::new(),
            command: 0,
            changed: false,
        }
    }

    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.change(key, Some(value));
    }

    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.change(key, None);
    }

    fn change(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.changed = true;
        let command = self.command;
        let change = Change {
            value,
            command,
            before: None,
        };
        match self.batch.entry(key) {
            Entry::Vacant(free) => drop(free.insert(change)),
            Entry::Occupied(mut there) if there.get().command == command => {
                there.get_mut().value = change.value;
            }
            Entry::Occupied(mut there) => {
                let mut old = there.insert(change);
                // What was before the older command is of no interest any more.
                old.before = None;
                there.get_mut().before = Some(Box::new(old));
            }
        }
    }

    /// The running command succeeded: its changes belong to the batch.
    pub(crate) fn keep(&mut self) {
        self.command += 1;
        self.changed = false;
    }

    /// The running command was refused: its changes never happened.
    pub(crate) fn drop_command(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let command = self.command;
        self.batch.retain(|_, change| {
            if change.command != command {
                return true;
            }
            match change.before.take() {
                Some(before) => *change = *before,
                None => return false,
            }
            true
        });
    }

    /// Whether the batch or the running command changed the key.
    pub(crate) fn is_changed(&self, key: &[u8]) -> bool {
        self.batch.contains_key(key)
    }

    /// Rows that the batch changes so far.
    pub(crate) fn rows(&self) -> usize {
        self.batch.len()
    }

    /// The changes of the whole batch in key order.
    pub(crate) fn into_mutations(self) -> Result<Mutations> {
        let changes = self.batch.iter().map(|(key, change)| match &change.value {
            Some(value) => Mutation::Put(key, value),
            None => Mutation::Delete(key),
        });
        Ok(Mutations::from_sorted(changes)?)
    }

    fn changes_in(&self, range: Scan<'_>) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let from = match range.after {
            Some(after) if after >= range.prefix => Bound::Excluded(after),
            _ => Bound::Included(range.prefix),
        };
        let prefix = range.prefix.to_vec();
        self.batch
            .range::<[u8], _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(key, change)| (key.as_slice(), change.value.as_deref()))
    }
}

impl<R: Rows> Rows for Txn<'_, R> {
    fn get(&self, key: &[u8]) -> nokv_store::Result<Option<Vec<u8>>> {
        match self.batch.get(key) {
            Some(change) => Ok(change.value.clone()),
            None => self.base.get(key),
        }
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> nokv_store::Result<()> {
        let mut overlay = self.changes_in(range).peekable();
        if overlay.peek().is_none() {
            return self.base.scan(range, visit);
        }
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

    #[test]
    fn a_refused_command_restores_what_the_batch_had() {
        let store = ModelStore::new();
        let mut txn = Txn::new(&store);
        txn.put(b"a".to_vec(), b"1".to_vec());
        txn.keep();
        txn.put(b"a".to_vec(), b"2".to_vec());
        txn.delete(b"a".to_vec());
        txn.put(b"b".to_vec(), b"1".to_vec());
        txn.drop_command();
        assert_eq!(txn.get(b"a").unwrap(), Some(b"1".to_vec()));
        assert_eq!(txn.get(b"b").unwrap(), None);
        assert_eq!(txn.rows(), 1);
        txn.delete(b"a".to_vec());
        txn.keep();
        txn.put(b"a".to_vec(), b"3".to_vec());
        txn.drop_command();
        assert_eq!(txn.get(b"a").unwrap(), None);
        assert!(txn.is_changed(b"a"));
    }
}
