//! Clones: another file's body at a version, row by row; no bytes move.

use super::publish::Built;
use crate::batch::Batch;
use crate::exec::objects::Counts;
use crate::extents::COMMAND_EXTENTS_MAX;
use crate::keys;
use crate::read::{BodyView, Reader, Stands, check_readable};
use crate::rows::{BodyRow, MANIFEST_RANGE, ManifestRow, Record};
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{Attr, Code, FileKind, Node, RANGE_BYTES, ReadPoint, Refusal, Version};

impl<R: Rows> Batch<'_, R> {
    /// Gives `node` the rows of the body that `from` has at `version`; a manifest is shared, not copied.
    pub(super) fn build_clone(&mut self, node: Node, from: Node, version: Version) -> Result<Built> {
        let at = ReadPoint {
            timeline: from.timeline,
            version,
        };
        let attr = self.cloned_attr(at, from)?;
        let view = BodyView::new(at, from.ino, &attr);
        let mut counts = Counts::default();
        for (range, row) in self.cloned_rows(from, &view, &attr)? {
            counts.add(&row.extents);
            self.put_body_row(node, range, &row, Code::TooMany)?;
        }
        self.apply_counts(counts)?;
        if let Some(manifest) = view.manifest(&self.txn, &self.state.timelines)? {
            let ManifestRow { upload, .. } = manifest.row;
            self.refer_to_upload(upload, true)?;
            let key = keys::body(node.timeline, node.ino, MANIFEST_RANGE, self.version);
            self.txn.put(key, manifest.row.encode());
        }
        Ok(Built {
            size: attr.size,
            allocated: attr.allocated,
        })
    }

    fn cloned_attr(&self, at: ReadPoint, from: Node) -> Result<Attr> {
        let subject = || format!("inode {}", from.ino.0);
        check_readable(&self.txn, &self.state.timelines, at)?;
        let attr = Reader::new(&self.txn, &self.state.timelines).getattr(at, from.ino)?;
        match attr.kind {
            FileKind::File => Ok(attr),
            FileKind::Directory => Err(Error::refused(Code::IsADirectory, subject())),
            _ => Err(Error::refused(Code::WrongKind, subject())),
        }
    }

    /// The rows of a body that do not stand in a manifest.
    fn cloned_rows(&self, from: Node, view: &BodyView, attr: &Attr) -> Result<Vec<(u64, BodyRow)>> {
        let (mut rows, mut count) = (Vec::new(), 0);
        let has_manifest = view.manifest(&self.txn, &self.state.timelines)?.is_some();
        let ranges = (0, attr.size.div_ceil(RANGE_BYTES));
        view.each(&self.txn, &self.state.timelines, ranges, &mut |seen| {
            // An empty row hides something only where there is a manifest below.
            let is_own = matches!(seen.stands, Stands::Own(..));
            if is_own && (has_manifest || !seen.row.extents.is_empty()) {
                count += seen.row.extents.len().max(1);
                rows.push((seen.range, seen.row));
            }
            if count > COMMAND_EXTENTS_MAX {
                return Err(Refusal::new(Code::TooLarge, format!("inode {}", from.ino.0))
                    .detail("a body of more than 65536 extents is cloned by staging them")
                    .into());
            }
            Ok(Visit::Next)
        })?;
        Ok(rows)
    }
}
