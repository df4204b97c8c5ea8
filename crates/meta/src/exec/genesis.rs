//! The first rows of a workspace.

use crate::Result;
use crate::keys::{self, Family, Key};
use crate::mvcc::Framed;
use crate::rows::{Counters, Inode, Place, Record, RootRow, TimeRow, Timeline, Usage};
use crate::state::{CEILING_STEP, Clock, WINDOW_DEFAULT_NS, counters_key};
use nokv_store::{Mutation, Mutations};
use nokv_types::{Attr, FileKind, Ino, NewInode, QuotaId, RootKind, TimelineId, Version};
use std::collections::BTreeMap;

/// The name of the workspace's own root.
pub(crate) const MAIN_ROOT: &[u8] = b"main";

/// What a new workspace is made with.
#[derive(Debug, Clone, Copy)]
pub struct Genesis {
    /// Owner and mode of the root directory.
    pub root: NewInode,
    /// The time-travel window, ns.
    pub window_ns: u64,
}

impl Default for Genesis {
    fn default() -> Self {
        Self {
            root: NewInode {
                mode: 0o755,
                uid: 0,
                gid: 0,
            },
            window_ns: WINDOW_DEFAULT_NS,
        }
    }
}

/// The rows of an empty workspace, to be logged and applied before the first batch.
///
/// # Errors
/// None that depend on the arguments.
pub fn genesis(genesis: Genesis, clock: Clock) -> Result<Mutations> {
    let first = Version(1);
    let now = clock.wall_ns;
    let attr = Attr {
        kind: FileKind::Directory,
        mode: genesis.root.mode & super::create::MODE_MASK,
        uid: genesis.root.uid,
        gid: genesis.root.gid,
        rdev: 0,
        nlink: 2,
        size: 0,
        allocated: 0,
        entries: 0,
        atime: now,
        mtime: now,
        ctime: now,
        btime: now,
        generation: Version::ZERO,
        base: Version::ZERO,
        quota: QuotaId::WORKSPACE,
    };
    let root = Inode::Directory(
        Place {
            parent: Ino::ROOT,
            name: Vec::new(),
        },
        attr,
    );
    let usage = Usage { bytes: 0, inodes: 1 };
    let timeline = Timeline::new(None, Ino::ROOT, first);
    let main = RootRow {
        kind: RootKind::Workspace,
        timeline: TimelineId::FIRST,
        ino: Ino::ROOT,
        since: first,
    };
    let counters = Counters {
        ceiling: Version(CEILING_STEP),
        last: Some(first),
        log_time: clock.log_ns,
        window: genesis.window_ns,
    };
    let time = TimeRow {
        version: first,
        wall_ns: now,
    };
    let framed = |value: Vec<u8>| Framed::encode(first, Some(&value));
    let rows = BTreeMap::from([
        (counters_key(), counters.encode()),
        (super::time::time_key(clock.log_ns, first), time.encode()),
        (Key::new(Family::Timeline).id(0).done(), timeline.encode()),
        (Key::new(Family::Root).bytes(MAIN_ROOT).done(), main.encode()),
        (
            keys::current(Family::Inode, TimelineId::FIRST, &keys::inode(Ino::ROOT)),
            framed(root.encode()),
        ),
        (
            keys::current(Family::Usage, TimelineId::FIRST, &keys::usage(QuotaId::WORKSPACE)),
            framed(usage.encode()),
        ),
    ]);
    Ok(Mutations::from_sorted(
        rows.iter().map(|(key, value)| Mutation::Put(key, value)),
    )?)
}
