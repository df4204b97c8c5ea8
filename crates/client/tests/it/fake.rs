//! A namespace in memory: one timeline, no history, just enough to see what the client asks of it.

mod apply;
mod blobs;
mod read;

pub(crate) use blobs::{BlobFault, MemoryBlobs};

use nokv_client::{Ack, Client, Namespace, Settings, View};
use nokv_types::{
    Attr, Command, Extent, FileKind, Ino, Name, NewInode, Node, QuotaId, QuotaLimits, Refusal, TimelineId,
    Version,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// An inode.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(crate) attr: Attr,
    pub(crate) extents: Vec<Extent>,
    pub(crate) entries: BTreeMap<Name, Ino>,
    pub(crate) target: Vec<u8>,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What the fake holds and has seen.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) inodes: BTreeMap<Ino, Inode>,
    pub(crate) version: u64,
    pub(crate) reservations: u64,
    pub(crate) uploads: BTreeMap<u64, Vec<Extent>>,
    /// Length of every batch that was submitted.
    pub(crate) batches: Vec<usize>,
    /// What the last batch asked for.
    pub(crate) last_ack: Option<Ack>,
    /// Every command, by the name of its kind.
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    /// Refuse the next commands with this, one each.
    pub(crate) refuse_next: Vec<Refusal>,
    /// Extents that a range may have before it has to be compacted.
    pub(crate) extents_max: usize,
    /// Limits of the only quota root.
    pub(crate) limits: QuotaLimits,
}

/// The namespace.
#[derive(Debug)]
pub(crate) struct Fake {
    state: Mutex<State>,
    pub(crate) blobs: MemoryBlobs,
}

pub(crate) const INODE: NewInode = NewInode {
    mode: 0o644,
    uid: 7,
    gid: 8,
};

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        let mut state = State {
            extents_max: usize::MAX,
            ..State::default()
        };
        state.add(FileKind::Directory, INODE);
        Arc::new(Self {
            state: Mutex::new(state),
            blobs: MemoryBlobs::default(),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A client that never waits.
    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let namespace: Arc<dyn Namespace> = Arc::<Fake>::clone(self);
        let settings = Settings {
            threads: 3,
            pause: |_| {},
            ..Settings::default()
        };
        Client::new(namespace, settings)
    }
}

pub(crate) fn node(ino: u64) -> Node {
    Node::new(TimelineId::FIRST, Ino(ino))
}

pub(crate) fn head() -> View {
    View::head_of(node(1))
}

impl State {
    pub(crate) fn add(&mut self, kind: FileKind, inode: NewInode) -> Ino {
        let ino = Ino(self.inodes.len() as u64 + 1);
        let attr = Attr {
            kind,
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            rdev: 0,
            nlink: 1,
            size: 0,
            allocated: 0,
            entries: 0,
            atime: 0,
            mtime: 0,
            ctime: 0,
            btime: 0,
            generation: Version::ZERO,
            base: Version::ZERO,
            quota: QuotaId::WORKSPACE,
        };
        let made = Inode {
            attr,
            extents: Vec::new(),
            entries: BTreeMap::new(),
            target: Vec::new(),
            xattrs: Vec::new(),
        };
        self.inodes.insert(ino, made);
        ino
    }

    pub(crate) fn count(&mut self, command: &Command) {
        let debug = format!("{command:?}");
        let name: &'static str = match debug.split([' ', '(', '{']).next() {
            Some("Publish") => "publish",
            Some("Create") => "create",
            Some("SetAttr") => "setattr",
            Some("ReserveObjects") => "reserve",
            Some("Stage") => "stage",
            Some("Append") => "append",
            Some("SetSize") => "set size",
            Some("Compact") => "compact",
            Some("AbandonUpload") => "abandon",
            _ => "other",
        };
        *self.kinds.entry(name).or_default() += 1;
    }

    pub(crate) fn counted(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or(0)
    }
}
