//! Compaction: the same bytes in fewer extents. Nobody can tell, so times stay and no event is made.

use crate::batch::Batch;
use crate::{Result, extents};
use nokv_store::Rows;
use nokv_types::{Code, Extent, Node, Outcome, RANGE_BYTES, Refusal, Version};

impl<R: Rows> Batch<'_, R> {
    /// Replaces the extents of one range by others that hold the same bytes (and may hold zeros where holes were).
    pub(crate) fn compact(
        &mut self,
        node: Node,
        range: u64,
        expect: Version,
        list: Vec<Extent>,
    ) -> Result<Outcome> {
        let mut edit = self.edit(node, Some(expect))?;
        let list = extents::check(list, 0)?;
        let refuse = |why: &str| Refusal::new(Code::Invalid, format!("range {range}")).detail(why);
        let size = edit.looked.attr.size;
        if range > size / RANGE_BYTES {
            return Err(refuse("it lies behind the end of the file").into());
        }
        let (from, to) = extents::bounds(range);
        if list
            .iter()
            .any(|extent| extent.at < from || extent.end() > to.min(size))
        {
            return Err(refuse("an extent lies outside of it or behind the end of the file").into());
        }
        let old = self.seen(&edit, range)?;
        let under: &[Extent] = old.as_ref().map_or(&[], |seen| &seen.row.extents);
        if under.is_empty() && !list.is_empty() {
            return Err(refuse("it is a hole").into());
        }
        if !extents::covers(&list, under) {
            return Err(refuse("bytes of it would be lost").into());
        }
        if under.is_empty() {
            return Ok(Outcome::Inode(node, edit.looked.attr));
        }
        self.put_range(
            &mut edit,
            (range, old.as_ref()),
            extents::join(list),
            Code::TooMany,
        )?;
        let looked = self.switch(edit)?;
        Ok(Outcome::Inode(node, looked.attr))
    }
}
