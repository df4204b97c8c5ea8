//! Read plans: the extents of an asked range, cut to it.

use super::BodyView;
use crate::extents;
use crate::read::Reader;
use crate::rows::BodyRow;
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{Attr, Code, FileKind, Ino, RANGE_BYTES, ReadPlan, ReadPoint, Refusal};

/// Most extents of one plan: what 256 GiB of dense blocks take.
pub const PLAN_EXTENTS_MAX: usize = 65_536;

impl<R: Rows> Reader<'_, R> {
    /// Where the bytes offset..offset + len of a file are; what lies behind its end is left out.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory` or `WrongKind` when it is no file; `TooLarge` when the range has more than
    /// [`PLAN_EXTENTS_MAX`] extents: ask for a shorter one.
    pub fn read_plan(&self, at: ReadPoint, ino: Ino, offset: u64, len: u64) -> Result<ReadPlan> {
        let attr = self.getattr(at, ino)?;
        let subject = || format!("inode {}", ino.0);
        match attr.kind {
            FileKind::File => self.read_plan_of(at, ino, &attr, (offset, len)),
            FileKind::Directory => Err(Error::refused(Code::IsADirectory, subject())),
            _ => Err(Error::refused(Code::WrongKind, subject())),
        }
    }

    /// As [`Reader::read_plan`], of the body that `attr` speaks of: `size`, `base` and `generation` count. For
    /// open files, whose attributes may have been replaced since.
    ///
    /// # Errors
    /// As [`Reader::read_plan`].
    pub fn read_plan_of(
        &self,
        at: ReadPoint,
        ino: Ino,
        attr: &Attr,
        (offset, len): (u64, u64),
    ) -> Result<ReadPlan> {
        let mut plan = ReadPlan {
            size: attr.size,
            extents: Vec::new(),
        };
        let end = offset.saturating_add(len).min(attr.size);
        if offset >= end {
            return Ok(plan);
        }
        let ranges = (offset / RANGE_BYTES, (end - 1) / RANGE_BYTES + 1);
        BodyView::new(at, ino, attr).each(self.rows, self.timelines, ranges, &mut |seen| {
            let cut = seen.row.extents.into_iter();
            plan.extents
                .extend(cut.filter_map(|extent| extents::cut(extent, offset, end)));
            if plan.extents.len() > PLAN_EXTENTS_MAX {
                return Err(Refusal::new(Code::TooLarge, format!("inode {}", ino.0))
                    .detail("the range has more than 65536 extents")
                    .into());
            }
            Ok(Visit::Next)
        })?;
        Ok(plan)
    }

    /// The row of one range that a reader of `attr`'s generation sees.
    pub(crate) fn body_row(
        &self,
        at: ReadPoint,
        ino: Ino,
        range: u64,
        attr: &Attr,
    ) -> Result<Option<BodyRow>> {
        let seen = BodyView::new(at, ino, attr).row(self.rows, self.timelines, range)?;
        Ok(seen.map(|seen| seen.row))
    }
}
