//! An engine in a scratch directory.

use nokv_client::{Ack, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
use nokv_object::ObjectStore;
use nokv_object::memory::MemoryStore;
use nokv_types::{
    Answer, Command, Ino, Name, NewInode, NewKind, Node, Outcome, ReadPoint, Reply, Request, TimelineId,
    Version,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const ROOT: Node = Node {
    timeline: TimelineId::FIRST,
    ino: Ino::ROOT,
};
pub(crate) const HEAD: ReadPoint = ReadPoint {
    timeline: TimelineId::FIRST,
    version: Version::HEAD,
};
pub(crate) const OWNER: NewInode = NewInode {
    mode: 0o644,
    uid: 1000,
    gid: 1000,
};

/// A data directory with its object store, across reopens.
pub(crate) struct World {
    _scratch: tempfile::TempDir,
    pub(crate) data: PathBuf,
    pub(crate) objects: Arc<dyn ObjectStore>,
}

impl World {
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        Self {
            data: scratch.path().join("data"),
            _scratch: scratch,
            objects: Arc::new(MemoryStore::new()),
        }
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            limits: small_limits(),
            fatal: Arc::new(|_| ()),
            ..Options::new(Arc::clone(&self.objects))
        }
    }

    pub(crate) fn create(&self) -> Embedded {
        Embedded::create(&self.data, self.options()).unwrap()
    }

    pub(crate) fn open(&self) -> Embedded {
        Embedded::open(&self.data, self.options()).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.data
    }
}

/// Sizes that keep a test's directory small.
pub(crate) fn small_limits() -> Limits {
    Limits {
        log_file_bytes: 1 << 20,
        log_reserve_bytes: 2 << 20,
        log_bytes: 64 << 20,
        pool_frames: 64,
        ..Limits::default()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).unwrap()
}

pub(crate) fn create(parent: Node, text: &str, kind: NewKind) -> Request {
    Request::internal(Command::Create {
        parent,
        name: name(text),
        inode: OWNER,
        kind,
    })
}

pub(crate) fn one(namespace: &Embedded, request: Request, ack: Ack) -> Answer {
    namespace.submit(vec![request], ack).remove(0)
}

pub(crate) fn file(namespace: &Embedded, parent: Node, text: &str) -> Reply {
    one(namespace, create(parent, text, NewKind::File), Ack::Durable).unwrap()
}

pub(crate) fn dir(namespace: &Embedded, parent: Node, text: &str) -> Node {
    let reply = one(namespace, create(parent, text, NewKind::Directory), Ack::Durable).unwrap();
    match reply.outcome {
        Outcome::Inode(node, _) => node,
        other => panic!("a directory answers {other:?}"),
    }
}

pub(crate) fn names(namespace: &Embedded, dir: Node) -> Vec<String> {
    let page = namespace.readdir(HEAD, dir.ino, None, 10_000, false).unwrap();
    assert!(!page.more);
    let text = |name: &Name| String::from_utf8(name.as_bytes().to_vec()).unwrap();
    page.entries.iter().map(|entry| text(&entry.name)).collect()
}
