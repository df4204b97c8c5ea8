//! When pins end by themselves, in the order in which they do.

use crate::Result;
use crate::keys::Family;
use crate::rows::{PinRow, Record};
use crate::state::for_each;
use nokv_store::Rows;
use std::collections::BTreeSet;

/// The ends of leased pins: log time in ns, and the pin's key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leases {
    ends: BTreeSet<(u64, Vec<u8>)>,
    pins: usize,
}

impl Leases {
    /// Notes a new pin.
    pub(crate) fn add(&mut self, key: &[u8], expires: Option<u64>) {
        self.pins += 1;
        self.ends.extend(expires.map(|at| (at, key.to_vec())));
    }

    /// Forgets a pin.
    pub(crate) fn remove(&mut self, key: &[u8], expires: Option<u64>) {
        self.pins = self.pins.saturating_sub(1);
        if let Some(at) = expires {
            self.ends.remove(&(at, key.to_vec()));
        }
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
        self.pins
    }

    /// Reads the pins.
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut leases = Self::default();
        for_each(rows, &[Family::Pin as u8], |key, value| {
            leases.add(&key[1..], PinRow::decode(value)?.expires);
            Ok(())
        })?;
        Ok(leases)
    }
}
