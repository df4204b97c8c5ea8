//! Operations of a call that speak of what an earlier one of the same call found or made.
//!
//! As with the current filehandle of NFSv4: the node that an operation gave, or else read, is the current one, and
//! an operation that names no node means that one. So a path is resolved and read, or a file created and opened,
//! in one round trip.

use super::{Ask, Op};
use crate::answer::Done;
use nokv_types::{
    Code, Command, Ino, NewBody, Node, Outcome, ReadPoint, Refusal, Target, TimelineId, Version, View,
};

/// The node that the latest operation of the call gave. No inode has number 0.
pub const CURRENT: Node = Node {
    timeline: TimelineId(0),
    ino: Ino(0),
};

/// The state that the latest operation of the call was read at. Nothing can be read at version 0.
pub const CURRENT_POINT: ReadPoint = ReadPoint {
    timeline: TimelineId(0),
    version: Version::ZERO,
};

/// The handle that the latest `Open` of the call gave. No handle has number 0.
pub const CURRENT_HANDLE: u64 = 0;

/// What the operations of a call have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Current {
    node: Option<Node>,
    point: Option<ReadPoint>,
    handle: Option<u64>,
}

impl Current {
    /// Notes what an operation was answered, for those behind it; `None` when it was refused.
    ///
    /// After a refusal nothing is current: an operation that meant what was not found must not act on something
    /// else.
    pub fn note(&mut self, asked: &Op, done: Option<&Done>) {
        let Some(done) = done else {
            *self = Self::default();
            return;
        };
        let asked = match asked {
            // What was only rehearsed has made nothing.
            Op::Ask(Ask::Rehearse { .. }) => return,
            Op::Ask(ask) => Some(ask),
            Op::Change(_) => None,
        };
        if let Some((point, ino)) = asked.and_then(place_of) {
            self.set(point, Node::new(point.timeline, ino));
        }
        match done {
            Done::Changed(reply) => {
                if let Outcome::Opened { handle, .. } = &reply.outcome {
                    self.handle = Some(*handle);
                }
                if let Some(node) = node_of(&reply.outcome) {
                    self.set(View::head_of(node).point, node);
                }
            }
            Done::Walked(walked) if walked.stopped.is_some() => *self = Self::default(),
            Done::Walked(walked) => {
                if let Some(found) = walked.found.last() {
                    self.node = Some(found.node);
                }
            }
            Done::Found(found) if matches!(asked, Some(Ask::OpenedAttr { .. })) => {
                self.set(View::head_of(found.node).point, found.node);
            }
            Done::Found(found) => self.node = Some(found.node),
            Done::Root(root) => self.set(View::head_of(root.node).point, root.node),
            Done::View(view) => self.set(view.point, view.node),
            _ => {}
        }
    }

    fn set(&mut self, point: ReadPoint, node: Node) {
        self.point = Some(point);
        self.node = Some(node);
    }

    /// Puts the current node, state and handle in the place of [`CURRENT`], [`CURRENT_POINT`] and
    /// [`CURRENT_HANDLE`].
    ///
    /// # Errors
    /// `Invalid` when no operation before has given one.
    pub fn bind(&self, op: &mut Op) -> Result<(), Refusal> {
        match op {
            Op::Change(command) => self.bind_command(command),
            Op::Ask(ask) => self.bind_ask(ask),
        }
    }

    fn bind_command(&self, command: &mut Command) -> Result<(), Refusal> {
        match command {
            Command::Create { parent: node, .. }
            | Command::Unlink { parent: node, .. }
            | Command::Rmdir { parent: node, .. }
            | Command::RemoveTree { parent: node, .. }
            | Command::SetAttr { node, .. }
            | Command::SetXattr { node, .. }
            | Command::RemoveXattr { node, .. }
            | Command::Write { node, .. }
            | Command::Append { node, .. }
            | Command::SetSize { node, .. }
            | Command::PunchHole { node, .. }
            | Command::Compact { node, .. }
            | Command::SnapshotCreate { node, .. }
            | Command::SetQuota { node, .. }
            | Command::Open { node, .. } => self.bind_node(node),
            Command::Link { node, parent, .. } => self.bind_node(node).and_then(|()| self.bind_node(parent)),
            Command::Rename { from, to, .. } => self.bind_node(from).and_then(|()| self.bind_node(to)),
            Command::Publish { target, body, .. } => {
                let (Target::Node(node) | Target::Name { parent: node, .. }) = target;
                self.bind_node(node)?;
                if let NewBody::Clone { from, .. } = body {
                    self.bind_node(from)?;
                }
                Ok(())
            }
            Command::BeginUpload { .. }
            | Command::Stage { .. }
            | Command::AbandonUpload { .. }
            | Command::ReserveObjects { .. }
            | Command::SnapshotRelease { .. }
            | Command::VolumeCreate { .. }
            | Command::Fork { .. }
            | Command::RootDelete { .. }
            | Command::Rollback { .. }
            | Command::Promote { .. }
            | Command::SessionOpen { .. }
            | Command::SessionRenew { .. }
            | Command::SessionClose { .. }
            | Command::Work(_) => Ok(()),
            Command::Close { handle, .. } => self.bind_handle(handle),
        }
    }

    fn bind_ask(&self, ask: &mut Ask) -> Result<(), Refusal> {
        match ask {
            Ask::Lookup { point, dir: ino, .. }
            | Ask::Resolve { point, from: ino, .. }
            | Ask::Walk { point, from: ino, .. }
            | Ask::GetAttr { point, ino }
            | Ask::ReadDir { point, dir: ino, .. }
            | Ask::ReadLink { point, ino }
            | Ask::XattrGet { point, ino, .. }
            | Ask::XattrList { point, ino }
            | Ask::ReadPlan { point, ino, .. }
            | Ask::PathOf { point, ino } => self.bind_place(point, ino),
            Ask::Quota { node } => self.bind_node(node),
            Ask::Rehearse { command } => self.bind_command(command),
            Ask::OpenedAttr { handle } | Ask::OpenedPlan { handle, .. } => self.bind_handle(handle),
            Ask::Diff { a, b, .. } => {
                self.bind_view(a)?;
                self.bind_view(b)
            }
            Ask::Events { query } | Ask::Watch { query, .. } => {
                query.subtree.as_mut().map_or(Ok(()), |node| self.bind_node(node))
            }
            Ask::LockSet { request } | Ask::LockTest { request } => self.bind_node(&mut request.node),
            Ask::NewestVersion {}
            | Ask::Root { .. }
            | Ask::Roots { .. }
            | Ask::ResolveAt { .. }
            | Ask::Pins { .. }
            | Ask::StatFs {}
            | Ask::RenewLeases {}
            | Ask::ReleaseLeases { .. }
            | Ask::Authenticate { .. }
            | Ask::Unwatch { .. }
            | Ask::SignPut { .. }
            | Ask::SignGet { .. }
            | Ask::Ready {}
            | Ask::Stats {}
            | Ask::Gc { .. }
            | Ask::GcExplain { .. }
            | Ask::Fsck { .. }
            | Ask::Df {}
            | Ask::Checkpoint {}
            | Ask::Drain { .. }
            | Ask::Sessions { .. }
            | Ask::SessionEnd { .. } => Ok(()),
        }
    }

    fn bind_node(&self, node: &mut Node) -> Result<(), Refusal> {
        if node.ino == CURRENT.ino {
            *node = self.node.ok_or_else(missing)?;
        }
        Ok(())
    }

    fn bind_handle(&self, handle: &mut u64) -> Result<(), Refusal> {
        if *handle == CURRENT_HANDLE {
            *handle = self.handle.ok_or_else(missing)?;
        }
        Ok(())
    }

    fn bind_place(&self, point: &mut ReadPoint, ino: &mut Ino) -> Result<(), Refusal> {
        if *ino == CURRENT.ino {
            *ino = self.node.ok_or_else(missing)?.ino;
        }
        if *point == CURRENT_POINT {
            *point = self.point.ok_or_else(missing)?;
        }
        Ok(())
    }

    fn bind_view(&self, view: &mut View) -> Result<(), Refusal> {
        if view.point == CURRENT_POINT {
            view.point = self.point.ok_or_else(missing)?;
        }
        self.bind_node(&mut view.node)
    }
}

fn missing() -> Refusal {
    Refusal::new(Code::Invalid, "the operation")
        .detail("nothing before it in its call gave a node or a handle")
}

fn node_of(outcome: &Outcome) -> Option<Node> {
    match outcome {
        Outcome::Inode(node, _) | Outcome::Opened { node, .. } => Some(*node),
        Outcome::Root(root) => Some(root.node),
        Outcome::Pin(pin) => Some(pin.node),
        Outcome::Done
        | Outcome::Removed(_)
        | Outcome::Upload(_)
        | Outcome::Reserved(_)
        | Outcome::Session(_)
        | Outcome::Worked { .. } => None,
    }
}

/// The state and the inode that an operation read.
fn place_of(ask: &Ask) -> Option<(ReadPoint, Ino)> {
    match ask {
        Ask::Lookup { point, dir: ino, .. }
        | Ask::Resolve { point, from: ino, .. }
        | Ask::Walk { point, from: ino, .. }
        | Ask::GetAttr { point, ino }
        | Ask::ReadDir { point, dir: ino, .. }
        | Ask::ReadLink { point, ino }
        | Ask::XattrGet { point, ino, .. }
        | Ask::XattrList { point, ino }
        | Ask::ReadPlan { point, ino, .. }
        | Ask::PathOf { point, ino } => Some((*point, *ino)),
        _ => None,
    }
}
