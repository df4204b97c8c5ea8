//! Partial changes of a body: overwrite, append, cut, extend, punch.

use super::check_some;
use super::edit::Edit;
use crate::batch::{Batch, Retired};
use crate::read::Stands;
use crate::rows::{MANIFEST_RANGE, ManifestRow, Record};
use crate::{Result, extents, keys};
use nokv_store::{Rows, Visit};
use nokv_types::{Code, EventKind, Extent, FILE_BYTES_MAX, Node, Outcome, RANGE_BYTES, Refusal, Version};

/// A row of the old body that is cut.
struct Cut {
    range: u64,
    stands: Stands,
    bytes: u64,
}

impl<R: Rows> Batch<'_, R> {
    /// Lays extents over a body, extending it when they reach behind its end.
    pub(crate) fn write(
        &mut self,
        node: Node,
        expect: Option<Version>,
        extents: Vec<Extent>,
    ) -> Result<Outcome> {
        let edit = self.edit(node, expect)?;
        let list = extents::check(check_some(extents)?, 0)?;
        self.lay_over(edit, list)
    }

    /// Adds extents behind the end of a body.
    pub(crate) fn append(&mut self, node: Node, extents: Vec<Extent>) -> Result<Outcome> {
        let edit = self.edit(node, None)?;
        let list = extents::check(check_some(extents)?, edit.looked.attr.size)?;
        self.lay_over(edit, list)
    }

    fn lay_over(&mut self, mut edit: Edit, list: Vec<Extent>) -> Result<Outcome> {
        let end = list.last().map_or(0, Extent::end);
        for (range, new) in extents::by_range(list) {
            let old = self.seen(&edit, range)?;
            let under = old.as_ref().map(|seen| seen.row.extents.clone());
            let list = extents::overlay(under.unwrap_or_default(), new);
            self.put_range(&mut edit, (range, old.as_ref()), list, Code::NeedsCompaction)?;
        }
        let size = edit.looked.attr.size.max(end);
        self.finish_edit(edit, size)
    }

    /// Cuts a body, or extends it by a hole.
    pub(crate) fn set_size(&mut self, node: Node, size: u64) -> Result<Outcome> {
        let mut edit = self.edit(node, None)?;
        let before = edit.looked.attr.size;
        if size > FILE_BYTES_MAX {
            return Err(Refusal::new(Code::TooLarge, format!("inode {}", node.ino.0))
                .detail("a file has at most 2^63 - 1 bytes")
                .into());
        }
        if size == before {
            return self.touch_body(edit);
        }
        if size == 0 {
            self.hide_all(&mut edit)?;
        } else if size < before {
            self.clear(&mut edit, (size, before), true)?;
            self.cut_manifest(&mut edit, size.div_ceil(RANGE_BYTES))?;
        }
        self.finish_edit(edit, size)
    }

    /// Turns a range of a body into a hole.
    pub(crate) fn punch_hole(&mut self, node: Node, from: u64, len: u64) -> Result<Outcome> {
        let mut edit = self.edit(node, None)?;
        let size = edit.looked.attr.size;
        let to = from.saturating_add(len).min(size);
        if len == 0 {
            return Err(Refusal::new(Code::Invalid, format!("inode {}", node.ino.0))
                .detail("a hole has at least one byte")
                .into());
        }
        if from >= to {
            return self.touch_body(edit);
        }
        if from == 0 && to == size {
            self.hide_all(&mut edit)?;
        } else if !self.clear(&mut edit, (from, to), false)? {
            return self.touch_body(edit);
        }
        self.finish_edit(edit, size)
    }

    /// The bytes stay as they are; the times say that somebody wrote.
    fn touch_body(&mut self, edit: Edit) -> Result<Outcome> {
        let mut looked = edit.looked;
        looked.attr.mtime = self.clock.wall_ns;
        looked.attr.ctime = self.clock.wall_ns;
        self.store(&looked)?;
        self.inode_event(EventKind::Attributes, &looked, Version::ZERO)?;
        Ok(Outcome::Inode(looked.node, looked.attr))
    }

    /// Takes the bytes from..to out of the body; answers whether there were any. With `cut` the manifest is
    /// cut afterwards, so that its whole ranges need no row.
    fn clear(&mut self, edit: &mut Edit, (from, to): (u64, u64), cut: bool) -> Result<bool> {
        let ranges = (from / RANGE_BYTES, (to - 1) / RANGE_BYTES + 1);
        let mut cuts = Vec::new();
        edit.view
            .each(&self.txn, &self.state.timelines, ranges, &mut |seen| {
                if !seen.row.extents.is_empty() {
                    cuts.push(Cut {
                        range: seen.range,
                        stands: seen.stands,
                        bytes: extents::bytes(&seen.row.extents),
                    });
                }
                Ok(Visit::Next)
            })?;
        let size = edit.looked.attr.size;
        let mut changed = false;
        for Cut { range, stands, bytes } in cuts {
            let (start, end) = extents::bounds(range);
            if start < from || end.min(size) > to {
                changed |= self.clear_part(edit, range, (from, to))?;
                continue;
            }
            changed = true;
            if cut && matches!(stands, Stands::Staged(_)) {
                edit.allocated -= bytes;
                self.hide(edit, range, stands)?;
            } else {
                let old = self.seen(edit, range)?;
                self.put_range(edit, (range, old.as_ref()), Vec::new(), Code::NeedsCompaction)?;
            }
        }
        Ok(changed)
    }

    /// As [`Batch::clear`], in one range of which something may stay.
    fn clear_part(&mut self, edit: &mut Edit, range: u64, (from, to): (u64, u64)) -> Result<bool> {
        let Some(old) = self.seen(edit, range)? else {
            return Ok(false);
        };
        let rest = extents::without(old.row.extents.clone(), from, to);
        if rest == old.row.extents {
            return Ok(false);
        }
        self.put_range(edit, (range, Some(&old)), rest, Code::NeedsCompaction)?;
        Ok(true)
    }

    /// The manifest, where there is one, keeps only its first `ranges`.
    fn cut_manifest(&mut self, edit: &mut Edit, ranges: u64) -> Result<()> {
        let Some(manifest) = self.manifest(edit)? else {
            return Ok(());
        };
        if manifest.row.ranges <= ranges {
            return Ok(());
        }
        let node = edit.looked.node;
        let (upload, own) = (manifest.row.upload, manifest.timeline == node.timeline);
        let row = ManifestRow { upload, ranges };
        let key = keys::body(node.timeline, node.ino, MANIFEST_RANGE, self.version);
        self.txn.put(key, row.encode());
        self.refer_to_upload(upload, !own)?;
        if own {
            let item = Retired::Body {
                ino: node.ino,
                range: MANIFEST_RANGE,
                generation: manifest.generation,
            };
            self.retire(node.timeline, item);
        }
        Ok(())
    }
}
