//! Volumes and forks: roots on timelines of their own.

use crate::batch::{Batch, Charge};
use crate::exec::genesis::MAIN_ROOT;
use crate::exec::timelines::root_key;
use crate::rows::{Place, QuotaRow, RootRow};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{
    Code, EventKind, FileKind, Ino, Name, NewInode, Node, Origin, Outcome, QuotaId, QuotaLimits, Refusal,
    RootKind, TimelineId, show_bytes,
};

impl<R: Rows> Batch<'_, R> {
    /// Makes a volume: a timeline without ancestors with an empty root directory, which is a quota root.
    pub(crate) fn volume_create(&mut self, name: &[u8], inode: NewInode) -> Result<Outcome> {
        self.check_new_root(name)?;
        self.check_room(None, name)?;
        let (ino, timeline) = (Ino(self.version.0), TimelineId(self.version.0));
        let quota = QuotaId(ino.0);
        // The last thing that can be refused.
        self.charge(timeline, quota, Charge::inode(0))?;
        self.add_timeline(None, ino)?;
        let attr = self.new_attr(FileKind::Directory, inode, quota);
        let place = Place {
            parent: ino,
            name: Vec::new(),
        };
        let node = Node::new(timeline, ino);
        let row = QuotaRow {
            limits: QuotaLimits::default(),
            root: ino,
            counting: None,
        };
        self.put_quota(quota, row);
        self.add_dir(node, place, attr);
        let root = self.new_root(RootKind::Volume, node);
        Ok(Outcome::Root(self.write_root(name, &root, EventKind::Fork)))
    }

    /// Makes a writable fork of a state under a new name: one timeline, nothing is copied.
    pub(crate) fn fork(&mut self, name: &[u8], origin: &Origin) -> Result<Outcome> {
        self.check_new_root(name)?;
        let start = self.start(origin)?;
        self.check_room(Some(start.at.timeline), name)?;
        self.flush_touched()?;
        let timeline = self.add_timeline(Some(start.at), start.ino)?;
        let root = self.new_root(RootKind::Fork, Node::new(timeline, start.ino));
        Ok(Outcome::Root(self.write_root(name, &root, EventKind::Fork)))
    }

    /// Deletes the root of a fork or volume; its timeline is freed when nothing holds it.
    pub(crate) fn root_delete(&mut self, name: &[u8]) -> Result<Outcome> {
        let root = self.root_row(name)?;
        if root.kind == RootKind::Workspace || name == MAIN_ROOT {
            return Err(
                Refusal::new(Code::NotPermitted, format!("root {}", show_bytes(name)))
                    .detail("the root of the workspace stays")
                    .into(),
            );
        }
        self.flush_touched()?;
        self.leave_timeline(root.timeline);
        self.txn.delete(root_key(name));
        self.root_event(EventKind::Fork, Node::new(root.timeline, root.ino), name);
        Ok(Outcome::Done)
    }

    fn check_new_root(&self, name: &[u8]) -> Result<()> {
        Name::new(name)?;
        if self.txn.get(&root_key(name))?.is_some() {
            return Err(Error::refused(Code::Exists, format!("root {}", show_bytes(name))));
        }
        Ok(())
    }

    fn new_root(&self, kind: RootKind, node: Node) -> RootRow {
        RootRow {
            kind,
            timeline: node.timeline,
            ino: node.ino,
            since: self.version,
        }
    }
}
