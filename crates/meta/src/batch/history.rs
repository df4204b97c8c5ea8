//! Writing versioned rows: what is replaced moves to history when somebody can still see it.

use super::Batch;
use crate::Result;
use crate::keys::{self, Family, Key};
use crate::mvcc::{self, Framed};
use nokv_store::Rows;
use nokv_types::codec::{put_bytes, put_varint};
use nokv_types::{Ino, ReadPoint, TimelineId, Version};

/// Bytes of one row of the prune index.
const PRUNE_ROW_BYTES: usize = 8 * 1024;

/// Something that can be removed when nobody sees it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Retired {
    /// A history row.
    History {
        family: Family,
        rest: Vec<u8>,
        created: Version,
    },
    /// A body row.
    Body {
        ino: Ino,
        range: u64,
        generation: Version,
    },
}

impl<R: Rows> Batch<'_, R> {
    /// Writes a versioned row that did not exist before (a fresh inode).
    pub(crate) fn put_fresh(&mut self, timeline: TimelineId, family: Family, rest: &[u8], value: &[u8]) {
        self.txn.put(
            keys::current(family, timeline, rest),
            Framed::encode(self.version, Some(value)),
        );
    }

    /// Writes a versioned row; what it replaces moves to history when somebody can see it.
    pub(crate) fn put_row(
        &mut self,
        timeline: TimelineId,
        family: Family,
        rest: &[u8],
        value: &[u8],
    ) -> Result<()> {
        self.put_row_at(timeline, family, rest, value, self.version)
    }

    /// As [`Batch::put_row`], created at `version` (the last touch of a coalesced row).
    pub(crate) fn put_row_at(
        &mut self,
        timeline: TimelineId,
        family: Family,
        rest: &[u8],
        value: &[u8],
        version: Version,
    ) -> Result<()> {
        let key = keys::current(family, timeline, rest);
        self.supersede(timeline, family, rest, &key, version)?;
        self.txn.put(key, Framed::encode(version, Some(value)));
        Ok(())
    }

    /// Removes a versioned row. A timeline that inherits one of the same key keeps a tombstone.
    pub(crate) fn delete_row(&mut self, timeline: TimelineId, family: Family, rest: &[u8]) -> Result<()> {
        let key = keys::current(family, timeline, rest);
        self.supersede(timeline, family, rest, &key, self.version)?;
        if self.inherits(timeline, family, rest)? {
            self.txn.put(key, Framed::encode(self.version, None));
        } else {
            self.txn.delete(key);
        }
        Ok(())
    }

    /// Moves the current row of a key to history where it is needed.
    fn supersede(
        &mut self,
        timeline: TimelineId,
        family: Family,
        rest: &[u8],
        key: &[u8],
        version: Version,
    ) -> Result<()> {
        let Some(bytes) = self.txn.get(key)? else {
            return Ok(());
        };
        let old = Framed::decode(&bytes)?;
        let created = old.version;
        if created < version && self.state.is_needed(timeline, created, version) {
            let row = Framed::encode(version, old.value.as_deref());
            self.txn.put(keys::history(family, timeline, rest, created), row);
            self.retire(
                timeline,
                Retired::History {
                    family,
                    rest: rest.to_vec(),
                    created,
                },
            );
        }
        Ok(())
    }

    /// Whether an ancestor shows a row for this key.
    pub(crate) fn inherits(&self, timeline: TimelineId, family: Family, rest: &[u8]) -> Result<bool> {
        let Some((parent, branch)) = self
            .state
            .timelines
            .get(timeline)
            .and_then(|timeline| timeline.parent)
        else {
            return Ok(false);
        };
        let at = ReadPoint {
            timeline: parent,
            version: branch,
        };
        Ok(mvcc::read(&self.txn, &self.state.timelines, at, family, rest)?.is_some())
    }

    /// Notes that something stopped being current with the running command.
    pub(crate) fn retire(&mut self, timeline: TimelineId, item: Retired) {
        self.scratch.retired.push((timeline, item));
    }

    /// Writes what was retired into the prune index: (timeline, superseded, piece).
    pub(crate) fn write_retired(&mut self) {
        let mut retired = std::mem::take(&mut self.scratch.retired);
        retired.sort_by_key(|(timeline, _)| *timeline);
        let mut items = retired.into_iter().peekable();
        while let Some((timeline, first)) = items.next() {
            let mut value = Vec::new();
            first.encode(&mut value);
            while value.len() < PRUNE_ROW_BYTES
                && let Some((_, next)) = items.next_if(|(other, _)| *other == timeline)
            {
                next.encode(&mut value);
            }
            let key = self.prune_key(timeline);
            self.txn.put(key, value);
        }
    }

    /// The first free key of the prune index at the running version.
    fn prune_key(&self, timeline: TimelineId) -> Vec<u8> {
        let mut piece = 0;
        loop {
            let key = Key::new(Family::Prune)
                .id(timeline.0)
                .id(self.version.0)
                .id(piece)
                .done();
            if !self.txn.is_changed(&key) {
                return key;
            }
            piece += 1;
        }
    }
}

impl Retired {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::History {
                family,
                rest,
                created,
            } => {
                out.push(*family as u8);
                put_bytes(out, rest);
                put_varint(out, created.0);
            }
            Self::Body {
                ino,
                range,
                generation,
            } => {
                out.push(Family::Body as u8);
                put_varint(out, ino.0);
                put_varint(out, *range);
                put_varint(out, generation.0);
            }
        }
    }

    /// Takes one item; `None` when malformed.
    pub(crate) fn take(take: &mut nokv_types::codec::Take<'_>) -> Option<Self> {
        let tag = take.u8()?;
        if tag == Family::Body as u8 {
            return Some(Self::Body {
                ino: Ino(take.varint()?),
                range: take.varint()?,
                generation: Version(take.varint()?),
            });
        }
        let family = Family::VERSIONED
            .into_iter()
            .find(|family| *family as u8 == tag)?;
        Some(Self::History {
            family,
            rest: take.bytes()?.to_vec(),
            created: Version(take.varint()?),
        })
    }
}
