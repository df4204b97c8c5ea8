//! What a check found.

use crate::rows::Uncounted;
use crate::state::ObjectTotals;
use nokv_types::{Attr, Ino, Node, ObjectId, QuotaId, TimelineId, Version};

/// Findings that a report lists; beyond it they are only counted.
pub const FSCK_FINDINGS_MAX: usize = 10_000;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Wrong {
    /// A row does not decode.
    Malformed,
    /// A row of a timeline that does not exist.
    UnknownTimeline,
    /// An entry whose inode row is missing or leads elsewhere.
    Entry,
    /// An inode that no entry leads to.
    Unreachable,
    /// A link row without its entry or inode.
    Link,
    /// An extended attribute of no inode.
    Xattr,
    /// The entry or subdirectory count of a directory.
    EntryCount,
    /// The number of links of a file.
    LinkCount,
    /// What is charged to a quota root.
    Usage,
    /// A superseded row that the prune index does not list.
    PruneIndex,
    /// A body row that nothing current sees and that is not listed to be pruned.
    Body,
    /// The reference count of an object or upload, or its place on the delete queue.
    References,
    /// A version is held by more or fewer pins and branches than counted.
    Holds,
    /// A file without a name that nobody has open.
    Orphan,
    /// An open file or a saved answer of no session.
    Session,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckFinding {
    /// What kind of thing.
    pub wrong: Wrong,
    /// The key of the row that it was seen at.
    pub key: Vec<u8>,
    /// The particulars.
    pub detail: String,
    /// How it is made right; `None` = it is not derived from other rows.
    pub(crate) fix: Option<Fix>,
}

impl FsckFinding {
    /// Whether a repair makes it right.
    pub fn is_repairable(&self) -> bool {
        self.fix.is_some()
    }
}

/// How a derived row is made right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fix {
    /// The counts of a directory.
    Counts { dir: Node, entries: u64, subdirs: u32 },
    /// The number of names of a file.
    Links { node: Node, nlink: u32 },
    /// The inode row of a single-link file.
    Locator { node: Node, parent: Ino, name: Vec<u8> },
    /// The inode row of a directory whose entry is there.
    Place { node: Node, parent: Ino, name: Vec<u8> },
    /// The row that says that an entry is one of the names of a file.
    Link { node: Node, parent: Ino, name: Vec<u8> },
    /// What is charged.
    Usage {
        timeline: TimelineId,
        quota: QuotaId,
        bytes: u64,
        inodes: u64,
    },
    /// What a fork is not charged.
    Uncounted {
        timeline: TimelineId,
        uncounted: Option<Uncounted>,
    },
    /// An inode without a name gets one under `lost+found`.
    Lost { node: Node, attr: Attr },
    /// A row that belongs to nothing goes.
    Delete(Vec<u8>),
    /// A superseded row is listed to be pruned.
    List {
        timeline: TimelineId,
        item: crate::batch::Retired,
    },
    /// The references of an object.
    Object {
        object: ObjectId,
        references: u64,
        live_bytes: u64,
    },
    /// How many objects there are.
    Totals(ObjectTotals),
    /// A versioned row of nothing goes.
    Drop {
        timeline: TimelineId,
        family: crate::keys::Family,
        rest: Vec<u8>,
    },
}

/// What was checked, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FsckReport {
    /// Rows that were read.
    pub rows: u64,
    /// States that were walked: heads and held versions.
    pub states: u64,
    /// Entries, over all states.
    pub entries: u64,
    /// Inodes, over all states.
    pub inodes: u64,
    /// Body rows.
    pub bodies: u64,
    /// Objects whose references were counted.
    pub objects: u64,
    /// What is wrong, at most [`FSCK_FINDINGS_MAX`] of it.
    pub findings: Vec<FsckFinding>,
    /// How much is wrong.
    pub wrong: u64,
}

impl FsckReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.wrong == 0
    }

    pub(super) fn add(&mut self, finding: FsckFinding) {
        self.wrong += 1;
        if self.findings.len() < FSCK_FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

/// Before and after, for the particulars.
pub(super) fn differs<T: std::fmt::Debug>(kept: T, found: T) -> String {
    format!("kept {kept:?}, found {found:?}")
}

/// Whether only the newest state is meant, which alone can be changed.
pub(super) fn is_head(version: Version) -> bool {
    version == Version::HEAD
}
