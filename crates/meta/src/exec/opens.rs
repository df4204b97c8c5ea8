//! Open files: registered so that their generation is kept, and released.
//!
//! A file that loses its last name while it is open keeps an inode row without a name (and a row that says so)
//! until nobody has it open; then body, attributes and charge go, as they do for any other removed file.

use crate::batch::Batch;
use crate::exec::inodes::{Home, Looked};
use crate::keys::{self, Family, Key};
use crate::rows::{OpenRow, Record};
use crate::state::OPENS_PER_SESSION_MAX;
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, Node, Outcome, Refusal, SessionId};

impl<R: Rows> Batch<'_, R> {
    /// Registers a file as open at its present generation; the handle is the version of the command.
    pub(crate) fn open(&mut self, session: SessionId, node: Node) -> Result<Outcome> {
        self.live_session(session)?;
        self.check_live(node.timeline)?;
        let attr = self.look_file(node)?.attr;
        if attr.nlink == 0 && !self.state.opens.is_open(node) {
            return Err(Error::refused(Code::NotFound, format!("inode {}", node.ino.0)));
        }
        if self.state.opens.of_session(session) >= OPENS_PER_SESSION_MAX {
            return Err(Refusal::new(Code::TooMany, format!("session {}", session.0))
                .detail("it has 1048576 files open")
                .into());
        }
        let row = OpenRow {
            timeline: node.timeline,
            ino: node.ino,
            generation: attr.generation,
            base: attr.base,
            size: attr.size,
        };
        let handle = self.version.0;
        self.txn.put(open_key(session, handle), row.encode());
        self.state.opens.add(session, &row);
        Ok(Outcome::Opened { handle, node, attr })
    }

    /// Closes what [`Batch::open`] registered.
    pub(crate) fn close(&mut self, session: SessionId, handle: u64) -> Result<Outcome> {
        self.live_session(session)?;
        if self.txn.get(&open_key(session, handle))?.is_none() {
            return Err(Error::refused(Code::NotFound, format!("handle {handle}")));
        }
        self.close_file(session, handle)?;
        Ok(Outcome::Done)
    }

    /// Removes the row of an open file and releases what only it kept.
    pub(crate) fn close_file(&mut self, session: SessionId, handle: u64) -> Result<()> {
        let key = open_key(session, handle);
        let Some(bytes) = self.txn.get(&key)? else {
            return Ok(());
        };
        let row = OpenRow::decode(&bytes)?;
        let node = Node::new(row.timeline, row.ino);
        self.txn.delete(key);
        self.state.opens.remove(session, &row);
        self.retry_waiting(node)?;
        if self.state.opens.is_open(node) {
            return Ok(());
        }
        self.release_orphan(node)
    }

    /// A file without a name that somebody has open keeps its inode row until it is closed.
    pub(crate) fn orphan(&mut self, looked: &mut Looked) -> Result<()> {
        looked.home = Home::Row;
        self.store(looked)?;
        let rest = keys::inode(looked.node.ino);
        self.put_row(looked.node.timeline, Family::Orphan, &rest, &[1])
    }

    /// Releases a file without a name that nobody has open any more.
    pub(crate) fn release_orphan(&mut self, node: Node) -> Result<()> {
        let rest = keys::inode(node.ino);
        if self.read(node.timeline, Family::Orphan, &rest)?.is_none() {
            return Ok(());
        }
        self.delete_row(node.timeline, Family::Orphan, &rest)?;
        match self.look(node) {
            Ok(looked) => {
                self.delete_inode(node)?;
                self.forget_inode(node, &looked.attr)
            }
            // Its timeline was freed with everything in it.
            Err(error) if error.code() == Some(Code::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn open_key(session: SessionId, handle: u64) -> Vec<u8> {
    Key::new(Family::Open).id(session.0).id(handle).done()
}
