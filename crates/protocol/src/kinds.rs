//! The closed list of operations: number, class, what the token needs, what is answered. One row for each.
//!
//! Invariants: a number is never given to another operation; numbers of [`RESERVED_OPS`] are taken already.

use crate::answer::Shape;
use crate::auth::Need;
use nokv_types::Command;

/// What kind of request an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A command of the state machine: needs an identity, is executed once and answered once.
    Change,
    /// Reads; asked again, it answers what is true then.
    Read,
    /// Concerns the connection's session, its leases and locks: held in memory, safe to repeat.
    Session,
    /// Service of the workspace: safe to repeat.
    Admin,
}

macro_rules! kinds {
    ($($name:ident = $number:literal, $class:ident, $need:ident, $shape:ident;)*) => {
        /// Which operation; the rows of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "said at the variants of `Command` and `Ask`, which have the same names")]
        pub enum OpKind {
            $($name = $number,)*
        }

        impl OpKind {
            /// Every operation, in the order of the numbers.
            pub const ALL: &'static [OpKind] = &[$(OpKind::$name,)*];

            /// The operation of this number.
            pub fn from_number(number: u16) -> Option<OpKind> {
                match number { $($number => Some(OpKind::$name),)* _ => None }
            }

            /// Its name, as it stands in logs and metrics.
            pub fn name(self) -> &'static str {
                match self { $(OpKind::$name => stringify!($name),)* }
            }

            /// What kind of request it is.
            pub fn class(self) -> Class {
                match self { $(OpKind::$name => Class::$class,)* }
            }

            /// What it needs of the token.
            pub fn need(self) -> Need {
                match self { $(OpKind::$name => Need::$need,)* }
            }

            /// What answers it.
            pub fn shape(self) -> Shape {
                match self { $(OpKind::$name => Shape::$shape,)* }
            }
        }
    };
}

kinds! {
    Create = 1, Change, Add, Changed;
    Link = 2, Change, Add, Changed;
    Unlink = 3, Change, Write, Changed;
    Rmdir = 4, Change, Write, Changed;
    Rename = 5, Change, Write, Changed;
    SetAttr = 6, Change, Write, Changed;
    SetXattr = 7, Change, Write, Changed;
    RemoveXattr = 8, Change, Write, Changed;
    RemoveTree = 9, Change, Write, Changed;
    Publish = 16, Change, Add, Changed;
    Write = 17, Change, Write, Changed;
    Append = 18, Change, Add, Changed;
    SetSize = 19, Change, Write, Changed;
    PunchHole = 20, Change, Write, Changed;
    Compact = 21, Change, Add, Changed;
    BeginUpload = 22, Change, Add, Changed;
    Stage = 23, Change, Add, Changed;
    AbandonUpload = 24, Change, Add, Changed;
    ReserveObjects = 25, Change, Add, Changed;
    SnapshotCreate = 32, Change, Add, Changed;
    SnapshotRelease = 33, Change, Write, Changed;
    VolumeCreate = 34, Change, Admin, Changed;
    Fork = 35, Change, Write, Changed;
    RootDelete = 36, Change, Admin, Changed;
    Rollback = 37, Change, Admin, Changed;
    Promote = 38, Change, Admin, Changed;
    SetQuota = 39, Change, Admin, Changed;
    SessionRenew = 48, Change, Read, Changed;
    SessionClose = 49, Change, Read, Changed;
    Open = 50, Change, Read, Changed;
    Close = 51, Change, Read, Changed;

    NewestVersion = 64, Read, Read, Version;
    Root = 65, Read, Read, Root;
    Roots = 66, Read, Read, Roots;
    ResolveAt = 67, Read, Read, View;
    Lookup = 68, Read, Read, Found;
    Resolve = 69, Read, Read, Found;
    Walk = 70, Read, Read, Walked;
    GetAttr = 71, Read, Read, Attr;
    ReadDir = 72, Read, Read, Dir;
    ReadLink = 73, Read, Read, Bytes;
    XattrGet = 74, Read, Read, Bytes;
    XattrList = 75, Read, Read, Names;
    ReadPlan = 76, Read, Read, Planned;
    OpenedAttr = 77, Read, Read, Found;
    OpenedPlan = 78, Read, Read, Planned;
    PathOf = 79, Read, Read, Path;
    Pins = 80, Read, Read, Pins;
    Quota = 81, Read, Read, Quota;
    StatFs = 82, Read, Read, StatFs;
    Events = 83, Read, Read, Events;
    Diff = 84, Read, Read, Diff;
    Rehearse = 85, Read, Read, Changed;

    RenewLeases = 96, Session, Renewal, Renewed;
    ReleaseLeases = 97, Session, Read, Done;
    Authenticate = 98, Session, Renewal, Granted;
    LockSet = 99, Session, Read, Done;
    LockTest = 100, Session, Read, Lock;
    Watch = 101, Session, Read, Watching;
    Unwatch = 102, Session, Read, Done;
    SignPut = 112, Read, Add, Signed;
    SignGet = 113, Read, Read, Signed;

    Ready = 160, Admin, Admin, Ready;
    Stats = 161, Admin, Admin, Stats;
    Gc = 162, Admin, Admin, Gc;
    GcExplain = 163, Admin, Admin, Explained;
    Fsck = 164, Admin, Admin, Checked;
    Df = 165, Admin, Read, Df;
    Checkpoint = 166, Admin, Admin, Saved;
    Drain = 167, Admin, Admin, Done;
    Sessions = 168, Admin, Admin, Sessions;
    SessionEnd = 169, Admin, Admin, Done;
}

/// Numbers of operations that are taken and not spoken yet: taking, returning and flushing the write delegation
/// of a directory subtree.
pub const RESERVED_OPS: [u16; 3] = [192, 193, 194];

impl OpKind {
    /// The newest version of the operation and of its answer that this program reads; it writes this one.
    pub fn version(self) -> u8 {
        1
    }

    /// The operation of a command; `None` for what only the server itself may ask: its own work, and to begin a
    /// session, which `Hello` does.
    pub fn of(command: &Command) -> Option<Self> {
        Some(match command {
            Command::Create { .. } => Self::Create,
            Command::Link { .. } => Self::Link,
            Command::Unlink { .. } => Self::Unlink,
            Command::Rmdir { .. } => Self::Rmdir,
            Command::Rename { .. } => Self::Rename,
            Command::SetAttr { .. } => Self::SetAttr,
            Command::SetXattr { .. } => Self::SetXattr,
            Command::RemoveXattr { .. } => Self::RemoveXattr,
            Command::RemoveTree { .. } => Self::RemoveTree,
            Command::Publish { .. } => Self::Publish,
            Command::Write { .. } => Self::Write,
            Command::Append { .. } => Self::Append,
            Command::SetSize { .. } => Self::SetSize,
            Command::PunchHole { .. } => Self::PunchHole,
            Command::Compact { .. } => Self::Compact,
            Command::BeginUpload { .. } => Self::BeginUpload,
            Command::Stage { .. } => Self::Stage,
            Command::AbandonUpload { .. } => Self::AbandonUpload,
            Command::ReserveObjects { .. } => Self::ReserveObjects,
            Command::SnapshotCreate { .. } => Self::SnapshotCreate,
            Command::SnapshotRelease { .. } => Self::SnapshotRelease,
            Command::VolumeCreate { .. } => Self::VolumeCreate,
            Command::Fork { .. } => Self::Fork,
            Command::RootDelete { .. } => Self::RootDelete,
            Command::Rollback { .. } => Self::Rollback,
            Command::Promote { .. } => Self::Promote,
            Command::SetQuota { .. } => Self::SetQuota,
            Command::SessionRenew { .. } => Self::SessionRenew,
            Command::SessionClose { .. } => Self::SessionClose,
            Command::Open { .. } => Self::Open,
            Command::Close { .. } => Self::Close,
            Command::SessionOpen { .. } | Command::Work(_) => return None,
        })
    }
}
