//! When pins end by themselves, in the order in which they do.
//!
//! After a load every lease gets a full new term, as sessions do: nobody was there to renew it. Rows keep the end
//! that was written; the end that counts is here.

use crate::Result;
use crate::keys::Family;
use crate::rows::{PinRow, Record};
use crate::state::for_each;
use nokv_store::Rows;
use std::collections::{BTreeMap, BTreeSet};

/// A pin's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lease {
    /// Log time at which the pin ends, ns.
    end: u64,
    term: u64,
}

/// All pins: with their lease, where they have one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leases {
    /// Ends of leased pins, and the pin's key.
    ends: BTreeSet<(u64, Vec<u8>)>,
    pins: BTreeMap<Vec<u8>, Option<Lease>>,
    /// A new term was given since the load.
    in_term: bool,
}

impl Leases {
    /// Notes a pin, new or changed.
    pub(crate) fn put(&mut self, key: &[u8], row: &PinRow) {
        self.remove(key);
        let lease = row.expires.map(|end| Lease { end, term: row.lease });
        self.ends.extend(lease.map(|lease| (lease.end, key.to_vec())));
        self.pins.insert(key.to_vec(), lease);
    }

    /// Forgets a pin.
    pub(crate) fn remove(&mut self, key: &[u8]) {
        if let Some(Some(lease)) = self.pins.remove(key) {
            self.ends.remove(&(lease.end, key.to_vec()));
        }
    }

    /// Gives every lease a full term from `now`, once after a load.
    pub(crate) fn begin_term(&mut self, now: u64) {
        if std::mem::replace(&mut self.in_term, true) {
            return;
        }
        self.ends.clear();
        for (key, lease) in &mut self.pins {
            if let Some(lease) = lease {
                lease.end = lease.end.max(now.saturating_add(lease.term));
                self.ends.insert((lease.end, key.clone()));
            }
        }
    }

    /// The log time at which a pin ends by itself, ns.
    pub(crate) fn end(&self, key: &[u8]) -> Option<u64> {
        self.pins.get(key).copied().flatten().map(|lease| lease.end)
    }

    /// The key of a pin whose end has come.
    pub(crate) fn ended(&self, now: u64) -> Option<Vec<u8>> {
        self.ends
            .first()
            .filter(|(at, _)| *at <= now)
            .map(|(_, key)| key.clone())
    }

    /// How many pins there are.
    pub(crate) fn pins(&self) -> usize {
        self.pins.len()
    }

    /// Reads the pins.
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut leases = Self::default();
        for_each(rows, &[Family::Pin as u8], |key, value| {
            leases.put(&key[1..], &PinRow::decode(value)?);
            Ok(())
        })?;
        Ok(leases)
    }
}
