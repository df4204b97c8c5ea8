//! What a namespace answers to a command, and what readers get.

use crate::{
    Attr, FileKind, Name, Node, ObjectId, QuotaId, QuotaLimits, Refusal, ReservationId, SessionId,
    TimelineId, UploadId, Version,
};

/// The answer to one command.
pub type Answer = Result<Reply, Refusal>;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The version of the command's commit; of an earlier one when nothing had to change.
    pub version: Version,
    /// The particulars.
    pub outcome: Outcome,
}

/// The particulars of a [`Reply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to say.
    Done,
    /// The inode that was made or changed, with its attributes.
    Inode(Node, Attr),
    /// The entry was removed; the inode is gone unless somebody has it open.
    Removed(Node),
    /// A pin.
    Pin(PinInfo),
    /// A root points here now.
    Root(RootInfo),
    /// An upload began.
    Upload(UploadId),
    /// Object ids of this reservation may be used.
    Reserved(ReservationId),
    /// A session began or goes on.
    Session(SessionId),
    /// A file is registered as open under this handle, at this generation.
    Opened {
        /// Handle for `Close`.
        handle: u64,
        /// The node.
        node: Node,
        /// Its attributes.
        attr: Attr,
    },
    /// Background work: how much was done, and whether there is more.
    Worked {
        /// Rows (or objects) handled.
        done: u64,
        /// Whether another step would find something to do.
        more: bool,
    },
}

/// A state to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadPoint {
    /// The timeline.
    pub timeline: TimelineId,
    /// The version on it; [`Version::HEAD`] = the newest.
    pub version: Version,
}

/// A directory entry as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: Name,
    /// Its inode.
    pub node: Node,
    /// What it is.
    pub kind: FileKind,
    /// Its attributes, where they were asked for.
    pub attr: Option<Attr>,
}

/// One page of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirPage {
    /// Entries in the order of their names.
    pub entries: Vec<DirEntry>,
    /// Whether there are entries after the last one.
    pub more: bool,
}

/// What kind of root a name points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RootKind {
    /// The workspace itself.
    Workspace = 1,
    /// A volume: its own namespace.
    Volume = 2,
    /// A writable fork.
    Fork = 3,
}

/// A named root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootInfo {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: RootKind,
    /// Where it points now.
    pub node: Node,
    /// The timeline it was branched from, where it was.
    pub parent: Option<ReadPoint>,
    /// When it was made or last re-pointed.
    pub since: Version,
}

/// Most holders of one snapshot pin.
pub const PIN_HOLDERS_MAX: usize = 64;

/// A snapshot pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinInfo {
    /// The caller's key.
    pub key: Vec<u8>,
    /// The state it holds.
    pub at: ReadPoint,
    /// The root of the pinned subtree.
    pub node: Node,
    /// Who holds it.
    pub holders: Vec<Vec<u8>>,
    /// Log time at which the pin ends, ns; `None` = it does not end by itself.
    pub expires_ns: Option<u64>,
    /// Wall time at which it was made, ns since 1970.
    pub created_wall_ns: i64,
}

/// What a quota root has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUsage {
    /// The quota root's number.
    pub quota: QuotaId,
    /// Limits.
    pub limits: QuotaLimits,
    /// Bytes of data charged.
    pub bytes: u64,
    /// Inodes charged.
    pub inodes: u64,
    /// Whether the directory was full when it became a quota root and is still being counted: its limits hold only
    /// what was counted.
    pub counting: bool,
}

/// One difference between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffEntry {
    /// What happened to the entry.
    pub kind: DiffKind,
    /// Path in the state where it exists (the second one, unless it was removed), from the compared root.
    pub path: Vec<u8>,
    /// The old path of a renamed entry.
    pub old_path: Option<Vec<u8>>,
    /// The inode.
    pub node: Node,
    /// What it is.
    pub file_kind: FileKind,
}

/// How an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DiffKind {
    /// Only in the second state.
    Added = 1,
    /// Only in the first state.
    Removed = 2,
    /// In both, with another body.
    Body = 3,
    /// In both, with other attributes or extended attributes.
    Attributes = 4,
    /// The same inode under another path.
    Renamed = 5,
}

/// An object whose last reference is gone and that may be deleted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadObject {
    /// The object.
    pub object: ObjectId,
    /// The version at which its count came to zero.
    pub since: Version,
}
