//! A change of an existing body: what is there, what it becomes, and the new attributes at the end.

use crate::batch::{Batch, Charge, Retired};
use crate::exec::inodes::Looked;
use crate::exec::objects::Counts;
use crate::read::{BodyView, Manifest, Seen, Stands};
use crate::rows::{BodyRow, MANIFEST_PART};
use crate::{Result, extents};
use nokv_store::Rows;
use nokv_types::{Code, EventKind, Extent, Node, Outcome, ReadPoint, Refusal, Version};

/// What is known of a body's manifest.
#[derive(Clone, Copy)]
enum Sought {
    NotYet,
    Found(Option<Manifest>),
}

/// A running change.
pub(super) struct Edit {
    pub(super) looked: Looked,
    /// The body as it was.
    pub(super) view: BodyView,
    /// Bytes of data that the body will have.
    pub(super) allocated: u64,
    pub(super) counts: Counts,
    /// The manifest of the body as it was.
    manifest: Sought,
    /// Nothing of the old body stays.
    fresh: bool,
}

impl<R: Rows> Batch<'_, R> {
    /// Begins to change the body of a file.
    ///
    /// # Errors
    /// `Conflict` when its generation is not the expected one; what finding it can answer.
    pub(super) fn edit(&self, node: Node, expect: Option<Version>) -> Result<Edit> {
        self.check_live(node.timeline)?;
        let looked = self.look_file(node)?;
        check_generation(&looked, expect)?;
        let at = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        Ok(Edit {
            view: BodyView::new(at, node.ino, &looked.attr),
            allocated: looked.attr.allocated,
            counts: Counts::default(),
            manifest: Sought::NotYet,
            fresh: false,
            looked,
        })
    }

    /// The row of a range of the old body.
    pub(super) fn seen(&self, edit: &Edit, range: u64) -> Result<Option<Seen>> {
        edit.view.row(&self.txn, &self.state.timelines, range)
    }

    /// The manifest of the old body.
    pub(super) fn manifest(&self, edit: &mut Edit) -> Result<Option<Manifest>> {
        if let Sought::Found(manifest) = edit.manifest {
            return Ok(manifest);
        }
        let manifest = edit.view.manifest(&self.txn, &self.state.timelines)?;
        edit.manifest = Sought::Found(manifest);
        Ok(manifest)
    }

    /// The range gets these extents; `old` is what a reader saw there.
    pub(super) fn put_range(
        &mut self,
        edit: &mut Edit,
        (range, old): (u64, Option<&Seen>),
        list: Vec<Extent>,
        too_many: Code,
    ) -> Result<()> {
        let row = BodyRow { extents: list };
        let bytes = self.put_body_row(edit.looked.node, range, &row, too_many)?;
        edit.allocated += bytes;
        edit.counts.add(&row.extents);
        if let Some(old) = old {
            edit.allocated -= extents::bytes(&old.row.extents);
            self.hide(edit, range, old.stands)?;
        }
        Ok(())
    }

    /// The row of the old body at `stands` is not read any more: retires it when it is this timeline's own.
    pub(super) fn hide(&mut self, edit: &mut Edit, range: u64, stands: Stands) -> Result<()> {
        let node = edit.looked.node;
        let (timeline, range, generation) = match stands {
            Stands::Own(timeline, generation) => (timeline, range, generation),
            Stands::Staged(_) => match self.manifest(edit)? {
                Some(manifest) => (manifest.timeline, range | MANIFEST_PART, manifest.generation),
                None => return Ok(()),
            },
        };
        if timeline == node.timeline {
            let item = Retired::Body {
                ino: node.ino,
                range,
                generation,
            };
            self.retire(timeline, item);
        }
        Ok(())
    }

    /// Nothing of the old body stays.
    pub(super) fn hide_all(&mut self, edit: &mut Edit) -> Result<()> {
        self.retire_body(edit.looked.node, &edit.looked.attr)?;
        edit.allocated = 0;
        edit.fresh = true;
        Ok(())
    }

    /// Ends a change that readers can tell: new size, times, charge, event.
    pub(super) fn finish_edit(&mut self, mut edit: Edit, size: u64) -> Result<Outcome> {
        edit.looked.attr.size = size;
        edit.looked.attr.mtime = self.clock.wall_ns;
        edit.looked.attr.ctime = self.clock.wall_ns;
        let looked = self.switch(edit)?;
        self.inode_event(EventKind::Publish, &looked, self.version)?;
        Ok(Outcome::Inode(looked.node, looked.attr))
    }

    /// Makes the running version the body's generation.
    pub(super) fn switch(&mut self, edit: Edit) -> Result<Looked> {
        let mut looked = edit.looked;
        let attr = &mut looked.attr;
        let charge = Charge::bytes(attr.allocated, edit.allocated);
        attr.allocated = edit.allocated;
        attr.generation = self.version;
        if edit.fresh {
            attr.base = self.version;
        }
        let quota = attr.quota;
        self.apply_counts(edit.counts)?;
        self.charge(looked.node.timeline, quota, charge)?;
        self.store(&looked)?;
        Ok(looked)
    }
}

/// Refuses a body that is not of the expected generation.
pub(super) fn check_generation(looked: &Looked, expect: Option<Version>) -> Result<()> {
    check_expected(looked.node.ino.0, looked.attr.generation, expect)
}

pub(super) fn check_expected(ino: u64, found: Version, expect: Option<Version>) -> Result<()> {
    match expect {
        Some(expect) if expect != found => {
            let detail = format!("its generation is {} and not {}", found.0, expect.0);
            Err(Refusal::new(Code::Conflict, format!("inode {ino}"))
                .detail(detail)
                .into())
        }
        _ => Ok(()),
    }
}
