//! Every change that can be asked of a namespace, as data. What the changes mean is the state machine's business.

use crate::{
    AttrChange, Extent, FileKind, Name, NewInode, Node, ObjectId, ReservationId, SessionId, TimelineId,
    UploadId, Version, XattrName,
};

/// Which request this is, so that a repeated one gets its first answer and is not executed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The session that asks.
    pub session: SessionId,
    /// Which of the session's streams; the client's own counter is stream 0.
    pub stream: u32,
    /// The number of the request in its stream.
    pub sequence: u64,
    /// The part, where one request makes several commands.
    pub part: u32,
}

/// A command with what belongs to the asking side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Exactly-once identity; `None` for the server's own workers.
    pub id: Option<RequestId>,
    /// Results of stream 0 below this sequence were taken and can be forgotten.
    pub retired_below: u64,
    /// Requests (stream, sequence) of other streams whose results were taken, all their parts: in those streams
    /// a sequence is an identity and not an order.
    pub retired: Vec<(u32, u64)>,
    /// Who is named in events, at most 64 bytes.
    pub actor: Vec<u8>,
    /// What to do.
    pub command: Command,
}

impl Request {
    /// A request of the server itself: no session, no exactly-once record.
    pub fn internal(command: Command) -> Self {
        Self {
            id: None,
            retired_below: 0,
            retired: Vec::new(),
            actor: Vec::new(),
            command,
        }
    }
}

/// What a new entry becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewKind {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
    /// A symbolic link to this target, 1..=4096 bytes.
    Symlink(Vec<u8>),
    /// A fifo, socket or device; `rdev` counts for devices only.
    Special(FileKind, u64),
}

/// What rename does about an entry that stands at the new place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RenameMode {
    /// Replaces it.
    Replace,
    /// Refuses.
    NoReplace,
    /// The two change places.
    Exchange,
}

/// What setting an attribute does about an old value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum XattrMode {
    /// Sets it either way.
    Any,
    /// Refuses when there is one.
    Create,
    /// Refuses when there is none.
    Replace,
}

/// The file that a publish gives a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An existing file.
    Node(Node),
    /// The file of this name; made when it is not there.
    Name {
        /// The directory.
        parent: Node,
        /// The name in it.
        name: Name,
        /// For a file that is made.
        inode: NewInode,
        /// Refuse when the name is taken.
        create_only: bool,
    },
}

/// A whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewBody {
    /// All extents of the body, ascending and not overlapping.
    Whole {
        /// Length in bytes.
        size: u64,
        /// Where the data is; what no extent covers is a hole.
        extents: Vec<Extent>,
    },
    /// The ranges that were staged under this upload.
    Staged {
        /// Length in bytes.
        size: u64,
        /// The upload.
        upload: UploadId,
    },
    /// The body that `from` has at `version`; no bytes move.
    Clone {
        /// The file to copy.
        from: Node,
        /// The version to read it at.
        version: Version,
    },
}

/// Where a fork or rollback starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A snapshot, by its key.
    Snapshot(Vec<u8>),
    /// A version of the root of this name.
    Root {
        /// Name of the root.
        name: Vec<u8>,
        /// Version to start from; [`Version::HEAD`] = now.
        version: Version,
    },
}

/// Limits of a quota root; `None` = unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaLimits {
    /// Most bytes of data.
    pub bytes: Option<u64>,
    /// Most inodes.
    pub inodes: Option<u64>,
}

/// A change of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields' types and names say what they are; a variant says what it does"
)]
pub enum Command {
    /// Makes an entry.
    Create {
        parent: Node,
        name: Name,
        inode: NewInode,
        kind: NewKind,
    },
    /// Gives a file another name.
    Link { node: Node, parent: Node, name: Name },
    /// Removes a name that is not a directory's.
    Unlink { parent: Node, name: Name },
    /// Removes an empty directory.
    Rmdir { parent: Node, name: Name },
    /// Moves an entry.
    Rename {
        from: Node,
        from_name: Name,
        to: Node,
        to_name: Name,
        mode: RenameMode,
    },
    /// Changes attributes.
    SetAttr { node: Node, change: AttrChange },
    /// Sets an extended attribute of at most 32 KiB.
    SetXattr {
        node: Node,
        name: XattrName,
        value: Vec<u8>,
        mode: XattrMode,
    },
    /// Removes an extended attribute.
    RemoveXattr { node: Node, name: XattrName },
    /// Detaches a whole tree in one step; its rows are reclaimed in the background.
    RemoveTree { parent: Node, name: Name },

    /// Gives a file a whole new body, visible at once.
    Publish {
        target: Target,
        body: NewBody,
        expect: Option<Version>,
        xattrs: Vec<(XattrName, Vec<u8>)>,
    },
    /// Overwrites parts of a body and extends it when they lie behind its end.
    Write {
        node: Node,
        expect: Option<Version>,
        extents: Vec<Extent>,
    },
    /// Adds extents (offsets from 0) behind the end of the body.
    Append { node: Node, extents: Vec<Extent> },
    /// Cuts or extends (by a hole) a body.
    SetSize { node: Node, size: u64 },
    /// Turns a range of a body into a hole; the length stays.
    PunchHole { node: Node, from: u64, len: u64 },
    /// Replaces the extents of one 256 MiB range by others that hold the same bytes.
    Compact {
        node: Node,
        range: u64,
        expect: Version,
        extents: Vec<Extent>,
    },
    /// Begins a staged publish.
    BeginUpload { session: SessionId },
    /// Adds extents that lie in one 256 MiB range to an upload.
    Stage {
        upload: UploadId,
        range: u64,
        extents: Vec<Extent>,
    },
    /// Gives up an upload.
    AbandonUpload { upload: UploadId },
    /// Reserves 1,024 object ids; the seed comes from the caller's randomness.
    ReserveObjects { seed: [u8; 16] },

    /// Pins the subtree at `node` as it is now; the same key again adds the holder and answers the same pin.
    SnapshotCreate {
        key: Vec<u8>,
        node: Node,
        holder: Vec<u8>,
        lease_ns: Option<u64>,
    },
    /// Takes a holder away; the pin goes with its last one.
    SnapshotRelease { key: Vec<u8>, holder: Vec<u8> },
    /// Makes a volume: a root of its own, empty.
    VolumeCreate { name: Vec<u8>, inode: NewInode },
    /// Makes a writable fork under a new root name.
    Fork { name: Vec<u8>, origin: Origin },
    /// Deletes the root of a fork or volume.
    RootDelete { name: Vec<u8> },
    /// Points a root at an earlier state of itself; the replaced state is pinned for 24 h under `keep`.
    Rollback {
        name: Vec<u8>,
        origin: Origin,
        keep: Vec<u8>,
    },
    /// Points the root `onto` at the fork's state; the replaced state is pinned for 24 h under `keep`.
    Promote {
        fork: Vec<u8>,
        onto: Vec<u8>,
        discard_live: bool,
        keep: Vec<u8>,
    },
    /// Sets limits on a directory (making it a quota root) or, on a root, on everything.
    SetQuota { node: Node, limits: QuotaLimits },

    /// Begins a session with this id, chosen at random by the server.
    SessionOpen { session: SessionId, ttl_ns: u64 },
    /// Extends a session by its ttl.
    SessionRenew { session: SessionId },
    /// Ends a session: its opens are closed.
    SessionClose { session: SessionId },
    /// Registers an open file; its generation is held until it is closed.
    Open { session: SessionId, node: Node },
    /// Closes what `Open` registered.
    Close { session: SessionId, handle: u64 },

    /// One step of the server's own work.
    Work(Work),
}

/// A bounded step of background work; each answers how much it did and whether there is more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "rows_max bounds the step; the other fields are ids")]
pub enum Work {
    /// Moves the time-travel window and ends leases, sessions and uploads whose time is over.
    AdvanceTime,
    /// Removes rows of detached trees.
    Reclaim { rows_max: u32 },
    /// Removes superseded rows that nothing can see any more.
    Prune { rows_max: u32 },
    /// Copies inherited rows into a deep timeline.
    Flatten { timeline: TimelineId, rows_max: u32 },
    /// Removes rows of timelines that nothing refers to.
    FreeTimelines { rows_max: u32 },
    /// Counts a directory that is becoming a quota root.
    CountQuota { rows_max: u32 },
    /// Bars objects on the delete queue from being referred to again; only such ones may be deleted.
    CondemnObjects { objects: Vec<ObjectId> },
    /// Forgets condemned objects that were deleted from the object store.
    ObjectsDeleted { objects: Vec<ObjectId> },
    /// Forgets a reservation all of whose unpublished ids were deleted; two passes are needed.
    ReservationSwept { reservation: ReservationId },
    /// Gives up the uploads that were begun up to this version, and with `ids` ends the reservations of object ids
    /// that were made up to it: whoever made them is known to be gone.
    EndUploads { up_to: Version, ids: bool },
    /// Writes the exactly-once window into rows: the last batch before a state is published.
    SaveWindow,
    /// Checks all rows and repairs derived ones, at most `fixes_max`; the namespace waits meanwhile.
    Repair { fixes_max: u32 },
    /// As `SaveWindow`, and notes that the process stops in order: allocation goes on without a gap.
    Stop,
}
