//! Pages of the differences between two states; the state machine tells them from the events between.

use super::{Answered, Embedded};
use crate::engine::Core;
use crate::error::read_failed;
use nokv_client::{DiffPage, Namespace as _, View};
use nokv_journal::ErrorKind;
use nokv_meta::{Error, EventSource, EventVisit};
use nokv_types::{Code, DiffEntry, ReadPoint, Refusal, Version};

/// The event files as the state machine reads them.
struct Logged<'a>(&'a Core);

impl EventSource for Logged<'_> {
    fn read_from(&self, from: Version, visit: &mut EventVisit<'_>) -> nokv_meta::Result<()> {
        let files = self.0.events.files();
        let read = files.read_from(from, &mut |record| {
            visit(record.first_version, record.last_version, record.bytes)
        });
        read.map_err(|error| {
            let subject = format!("version {}", from.0);
            let refusal = match error.kind {
                ErrorKind::CursorExpired { oldest } => Refusal::new(Code::VersionExpired, subject)
                    .detail(format!("events are kept from version {oldest} on")),
                _ => crate::Error::from(error).refusal(),
            };
            Error::Refused(refusal)
        })
    }
}

impl Embedded {
    pub(super) fn differences(
        &self,
        a: View,
        b: View,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Answered<DiffPage> {
        let core = &self.engine.core;
        if a.node.ino != b.node.ino {
            let refusal = Refusal::new(Code::Invalid, "diff");
            return Err(refusal
                .detail("the two states are of different directories")
                .into());
        }
        core.events.complete(core)?;
        // Two states that stand still: what is looked up in several reads belongs together.
        let (a, b) = (self.still(a.point)?, (self.still(b.point)?, b.node.ino));
        let table = core.published.table();
        let reader = nokv_meta::Reader::new(&core.store, &table);
        let touched = reader
            .touched_between(a, b.0, &Logged(core))
            .map_err(read_failed)?;
        let mut all = self.read(|reader| reader.diff_touched(a, b.0, b.1, &touched))?;
        all.sort_by_cached_key(cursor);
        let start = after.map_or(0, |after| {
            all.partition_point(|entry| cursor(entry).as_slice() <= after)
        });
        let end = all.len().min(start.saturating_add(limit.max(1)));
        let next = (end < all.len()).then(|| cursor(&all[end - 1]));
        Ok(DiffPage {
            entries: all.drain(start..end).collect(),
            next,
        })
    }

    fn still(&self, point: ReadPoint) -> Answered<ReadPoint> {
        let version = if point.version == Version::HEAD {
            self.version()?
        } else {
            point.version
        };
        let point = ReadPoint { version, ..point };
        self.read(|reader| reader.readable(point))?;
        Ok(point)
    }
}

/// Where an entry stands in the order of pages.
fn cursor(entry: &DiffEntry) -> Vec<u8> {
    let mut bytes = entry.path.clone();
    bytes.push(0);
    bytes.push(entry.kind as u8);
    bytes
}
