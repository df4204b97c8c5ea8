//! Named roots, pins, and which states can be read.

use super::Reader;
use crate::keys::{Family, Key};
use crate::rows::{PinRow, Record, RootRow};
use crate::state::for_each;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, Node, PinInfo, ReadPoint, RootInfo, show_bytes};

impl<R: Rows> Reader<'_, R> {
    /// The root of this name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn root(&self, name: &[u8]) -> Result<RootInfo> {
        let missing = || Error::refused(Code::NotFound, format!("root {}", show_bytes(name)));
        let bytes = self
            .rows
            .get(&Key::new(Family::Root).bytes(name).done())?
            .ok_or_else(missing)?;
        Ok(self.root_info(name, &RootRow::decode(&bytes)?))
    }

    /// Every root, by name.
    ///
    /// # Errors
    /// From the store.
    pub fn roots(&self) -> Result<Vec<RootInfo>> {
        let mut roots = Vec::new();
        for_each(self.rows, &[Family::Root as u8], |key, value| {
            roots.push(self.root_info(&key[1..], &RootRow::decode(value)?));
            Ok(())
        })?;
        Ok(roots)
    }

    /// The pin of this key.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn pin(&self, key: &[u8]) -> Result<PinInfo> {
        let missing = || Error::refused(Code::NotFound, format!("snapshot {}", show_bytes(key)));
        let bytes = self
            .rows
            .get(&Key::new(Family::Pin).bytes(key).done())?
            .ok_or_else(missing)?;
        Ok(pin_info(key, PinRow::decode(&bytes)?))
    }

    /// Every pin, by key.
    ///
    /// # Errors
    /// From the store.
    pub fn pins(&self) -> Result<Vec<PinInfo>> {
        let mut pins = Vec::new();
        for_each(self.rows, &[Family::Pin as u8], |key, value| {
            pins.push(pin_info(&key[1..], PinRow::decode(value)?));
            Ok(())
        })?;
        Ok(pins)
    }

    fn root_info(&self, name: &[u8], row: &RootRow) -> RootInfo {
        let parent = self
            .timelines
            .get(row.timeline)
            .and_then(|timeline| timeline.parent);
        RootInfo {
            name: name.to_vec(),
            kind: row.kind,
            node: Node::new(row.timeline, row.ino),
            parent: parent.map(|(timeline, version)| ReadPoint { timeline, version }),
            since: row.since,
        }
    }
}

pub(crate) fn pin_info(key: &[u8], row: PinRow) -> PinInfo {
    PinInfo {
        key: key.to_vec(),
        at: ReadPoint {
            timeline: row.timeline,
            version: row.version,
        },
        node: Node::new(row.timeline, row.ino),
        holders: row.holders,
        expires_ns: row.expires,
        created_wall_ns: row.created_wall,
    }
}
