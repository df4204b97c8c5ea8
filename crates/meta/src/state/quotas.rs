//! The definitions of all quota roots, in memory: every charge asks for one.

use crate::keys::{Family, Key, take_id};
use crate::rows::{QuotaRow, Record};
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::QuotaId;
use std::collections::BTreeMap;

/// Quota roots by their number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quotas {
    rows: BTreeMap<QuotaId, QuotaRow>,
    counting: usize,
}

impl Quotas {
    pub(crate) fn load<R: Rows>(rows: &R) -> Result<Self> {
        let mut quotas = Self::default();
        for_each(rows, &[Family::Quota as u8], |key, value| {
            let (id, _) = take_id(&key[1..]).ok_or_else(|| Error::corrupt("malformed key", "quota"))?;
            quotas.put(QuotaId(id), QuotaRow::decode(value)?);
            Ok(())
        })?;
        Ok(quotas)
    }

    pub(crate) fn get(&self, id: QuotaId) -> Option<&QuotaRow> {
        self.rows.get(&id)
    }

    pub(crate) fn put(&mut self, id: QuotaId, row: QuotaRow) {
        self.counting += usize::from(row.counting.is_some());
        if let Some(old) = self.rows.insert(id, row) {
            self.counting -= usize::from(old.counting.is_some());
        }
    }

    pub(crate) fn remove(&mut self, id: QuotaId) {
        if let Some(old) = self.rows.remove(&id) {
            self.counting -= usize::from(old.counting.is_some());
        }
    }

    /// A quota root that is still being counted.
    pub(crate) fn first_counting(&self) -> Option<QuotaId> {
        if self.counting == 0 {
            return None;
        }
        let counting = self.rows.iter().find(|(_, row)| row.counting.is_some());
        counting.map(|(id, _)| *id)
    }

    /// Whether inodes are still being moved to this quota root.
    pub(crate) fn is_counting(&self, id: QuotaId) -> bool {
        self.counting > 0 && self.rows.get(&id).is_some_and(|row| row.counting.is_some())
    }
}

pub(crate) fn quota_key(id: QuotaId) -> Vec<u8> {
    Key::new(Family::Quota).id(id.0).done()
}
