//! What is charged to quota roots: checked before a command succeeds, written once per batch.
//!
//! A counter holds everything on its timeline that carries the quota root's number. A fork of a subtree inherits
//! counters of what lies beside that too; what is not charged to it is a constant in its timeline's row.

use super::Batch;
use crate::keys::{self, Family};
use crate::mvcc::Framed;
use crate::rows::{QuotaRow, Record, Usage};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, QuotaId, Refusal, TimelineId, Version, show_size};

/// A usage row as the batch sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsageSlot {
    usage: Usage,
    created: Version,
    touched: Option<Version>,
}

/// A change of what is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Charge {
    pub(crate) bytes: i64,
    pub(crate) inodes: i64,
}

impl Charge {
    /// One more inode with this many bytes.
    pub(crate) fn inode(bytes: u64) -> Self {
        Self {
            bytes: bytes as i64,
            inodes: 1,
        }
    }

    /// The difference of two body sizes.
    pub(crate) fn bytes(before: u64, after: u64) -> Self {
        Self {
            bytes: after as i64 - before as i64,
            inodes: 0,
        }
    }

    /// The opposite charge.
    pub(crate) fn back(self) -> Self {
        Self {
            bytes: -self.bytes,
            inodes: -self.inodes,
        }
    }
}

impl<R: Rows> Batch<'_, R> {
    /// Charges a quota root and the workspace.
    ///
    /// # Errors
    /// `QuotaExceeded` or `NoSpace` when a growing charge does not fit.
    pub(crate) fn charge(&mut self, timeline: TimelineId, quota: QuotaId, charge: Charge) -> Result<()> {
        if charge == Charge::default() {
            return Ok(());
        }
        if quota != QuotaId::WORKSPACE {
            self.charge_one(timeline, quota, charge)?;
        }
        self.charge_one(timeline, QuotaId::WORKSPACE, charge)
    }

    /// Moves a charge from one quota root to another; the workspace's stays.
    pub(crate) fn move_charge(
        &mut self,
        timeline: TimelineId,
        from: QuotaId,
        to: QuotaId,
        charge: Charge,
    ) -> Result<()> {
        if from == to {
            return Ok(());
        }
        if from != QuotaId::WORKSPACE {
            self.charge_one(timeline, from, charge.back())?;
        }
        if to != QuotaId::WORKSPACE {
            self.charge_one(timeline, to, charge)?;
        }
        Ok(())
    }

    /// The counter of a quota root now.
    pub(crate) fn usage_of(&self, timeline: TimelineId, quota: QuotaId) -> Result<Usage> {
        Ok(self.usage_slot(timeline, quota)?.usage)
    }

    /// What of a counter is charged: a fork of a subtree inherits counters of more than that.
    fn charged(&self, timeline: TimelineId, quota: QuotaId, counter: Usage) -> Usage {
        let line = self.state.timelines.get(timeline);
        line.map_or(counter, |line| line.counted(quota, counter))
    }

    /// Sets the usage of a quota root (when it is made, or counted).
    pub(crate) fn set_usage(&mut self, timeline: TimelineId, quota: QuotaId, usage: Usage) -> Result<()> {
        let mut slot = self.usage_slot(timeline, quota)?;
        slot.usage = usage;
        slot.touched = Some(self.version);
        let key = (timeline, quota);
        match self
            .scratch
            .usage
            .iter_mut()
            .rev()
            .find(|(other, _)| *other == key)
        {
            Some((_, known)) => *known = slot,
            None => self.scratch.usage.push((key, slot)),
        }
        Ok(())
    }

    fn charge_one(&mut self, timeline: TimelineId, quota: QuotaId, charge: Charge) -> Result<()> {
        let before = self.usage_of(timeline, quota)?;
        let wrong = || Error::corrupt("more is released than was charged", format!("quota {}", quota.0));
        let after = Usage {
            bytes: before.bytes.checked_add_signed(charge.bytes).ok_or_else(wrong)?,
            inodes: before
                .inodes
                .checked_add_signed(charge.inodes)
                .ok_or_else(wrong)?,
        };
        if (charge.bytes > 0 || charge.inodes > 0)
            && let Some(row) = self.state.quotas.get(quota)
            && row.counting.is_none()
        {
            let over = |limit: Option<u64>, now: u64, growing: bool| {
                growing && limit.is_some_and(|limit| now > limit)
            };
            let counted = self.charged(timeline, quota, after);
            if over(row.limits.bytes, counted.bytes, charge.bytes > 0)
                || over(row.limits.inodes, counted.inodes, charge.inodes > 0)
            {
                return Err(exceeded(quota, row, self.charged(timeline, quota, before)).into());
            }
        }
        self.set_usage(timeline, quota, after)
    }

    fn usage_slot(&self, timeline: TimelineId, quota: QuotaId) -> Result<UsageSlot> {
        let key = (timeline, quota);
        let running = self.scratch.usage.iter().rev().find(|(other, _)| *other == key);
        if let Some(slot) = running.map(|(_, slot)| slot).or_else(|| self.usage.get(&key)) {
            return Ok(*slot);
        }
        Ok(match self.read(timeline, Family::Usage, &keys::usage(quota))? {
            Some(found) => UsageSlot {
                usage: Usage::decode(&found.value)?,
                created: found.created,
                touched: None,
            },
            None => UsageSlot {
                usage: Usage::default(),
                created: Version::ZERO,
                touched: None,
            },
        })
    }

    /// Writes the rows of all changed usages.
    pub(super) fn flush_usage(&mut self) -> Result<()> {
        let dirty: Vec<_> = self
            .usage
            .iter()
            .filter(|(_, slot)| slot.touched.is_some())
            .map(|(key, _)| *key)
            .collect();
        for (timeline, quota) in dirty {
            let Some(slot) = self.usage.get_mut(&(timeline, quota)) else {
                continue;
            };
            let Some(touched) = slot.touched.take() else {
                continue;
            };
            let row = slot.usage.encode();
            let rest = keys::usage(quota);
            if slot.created > self.barrier {
                let created = slot.created;
                self.txn.put(
                    keys::current(Family::Usage, timeline, &rest),
                    Framed::encode(created, Some(&row)),
                );
            } else {
                slot.created = touched;
                self.put_row_at(timeline, Family::Usage, &rest, &row, touched)?;
            }
        }
        self.txn.keep();
        Ok(())
    }
}

fn exceeded(quota: QuotaId, row: &QuotaRow, used: Usage) -> Refusal {
    let code = if quota == QuotaId::WORKSPACE {
        Code::NoSpace
    } else {
        Code::QuotaExceeded
    };
    let none = || "no limit".to_owned();
    let bytes = row.limits.bytes.map_or_else(none, show_size);
    let inodes = row.limits.inodes.map_or_else(none, |limit| limit.to_string());
    Refusal::new(code, format!("quota {}", quota.0)).detail(format!(
        "{} of {bytes} and {} of {inodes} inodes are used",
        show_size(used.bytes),
        used.inodes
    ))
}
