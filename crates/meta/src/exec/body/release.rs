//! Releasing body rows: retired when they are not current any more, dropped when nobody can see them, and taken
//! over by a timeline that is to stand on its own.

use crate::Result;
use crate::batch::{Batch, Retired};
use crate::exec::objects::Counts;
use crate::keys;
use crate::read::{BodyView, Stands};
use crate::rows::{BodyRow, MANIFEST_PART, MANIFEST_RANGE, ManifestRow, Record};
use nokv_store::{Rows, Visit};
use nokv_types::{Attr, Ino, Node, RANGE_BYTES, ReadPoint, TimelineId, Version};

impl<R: Rows> Batch<'_, R> {
    /// Retires the rows of this timeline that hold a body which nothing current refers to any more.
    pub(crate) fn retire_body(&mut self, node: Node, attr: &Attr) -> Result<()> {
        if attr.generation == Version::ZERO {
            return Ok(());
        }
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        let mut items = Vec::new();
        BodyView::new(at, node.ino, attr).each_own(&self.txn, &mut |range, generation| {
            items.push(Retired::Body {
                ino: node.ino,
                range,
                generation,
            });
            Ok(())
        })?;
        for item in items {
            self.retire(node.timeline, item);
        }
        Ok(())
    }

    /// Removes what a `Retired::Body` names, with its references; nothing when it is gone already. Bounded by one row.
    pub(crate) fn drop_body_row(
        &mut self,
        timeline: TimelineId,
        ino: Ino,
        range: u64,
        generation: Version,
    ) -> Result<()> {
        if range & MANIFEST_PART != 0 {
            let key = keys::body(timeline, ino, MANIFEST_RANGE, generation);
            return match self.txn.get(&key)? {
                Some(bytes) => self.drop_staged(ManifestRow::decode(&bytes)?.upload, range ^ MANIFEST_PART),
                None => Ok(()),
            };
        }
        let key = keys::body(timeline, ino, range, generation);
        let Some(bytes) = self.txn.get(&key)? else {
            return Ok(());
        };
        self.txn.delete(key);
        if range == MANIFEST_RANGE {
            return self.release_upload(ManifestRow::decode(&bytes)?.upload);
        }
        let mut counts = Counts::default();
        counts.remove(&BodyRow::decode(&bytes)?.extents);
        self.apply_counts(counts)
    }

    /// Copies the rows that a file's body at `at` inherits into the timeline `to`, at their own generations;
    /// answers how many. Rows that stand there already are left.
    pub(crate) fn adopt_body(&mut self, at: ReadPoint, ino: Ino, attr: &Attr, to: TimelineId) -> Result<u64> {
        if attr.generation == Version::ZERO {
            return Ok(0);
        }
        let view = BodyView::new(at, ino, attr);
        let mut inherited = Vec::new();
        let ranges = (0, attr.size.div_ceil(RANGE_BYTES));
        view.each(&self.txn, &self.state.timelines, ranges, &mut |seen| {
            match seen.stands {
                Stands::Own(timeline, generation) if timeline != to => {
                    inherited.push((seen.range, generation, seen.row));
                }
                Stands::Own(..) | Stands::Staged(_) => (),
            }
            Ok(Visit::Next)
        })?;
        let (mut adopted, mut counts) = (0, Counts::default());
        for (range, generation, row) in inherited {
            let key = keys::body(to, ino, range, generation);
            if self.txn.get(&key)?.is_none() {
                counts.add(&row.extents);
                self.txn.put(key, row.encode());
                adopted += 1;
            }
        }
        self.apply_counts(counts)?;
        if let Some(manifest) = view.manifest(&self.txn, &self.state.timelines)?
            && manifest.timeline != to
        {
            let key = keys::body(to, ino, MANIFEST_RANGE, manifest.generation);
            if self.txn.get(&key)?.is_none() {
                self.refer_to_upload(manifest.row.upload, true)?;
                self.txn.put(key, manifest.row.encode());
                adopted += 1;
            }
        }
        Ok(adopted)
    }
}
