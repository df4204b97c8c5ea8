//! An engine in a scratch directory.

use nokv_client::{Ack, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
use nokv_object::memory::MemoryStore;
use nokv_object::{
    ETag, Key, Listed, Object, ObjectMeta, ObjectStore, PutOutcome, Result, SignRequest, SignedUrl,
};
use nokv_types::{
    Answer, Command, Ino, Name, NewInode, NewKind, Node, Outcome, ReadPoint, Reply, Request, TimelineId,
    Version,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    spoiled: Arc<AtomicBool>,
}

impl World {
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let spoiled = Arc::new(AtomicBool::new(false));
        Self {
            data: scratch.path().join("data"),
            _scratch: scratch,
            objects: Arc::new(Spoiling {
                inner: MemoryStore::new(),
                spoiled: Arc::clone(&spoiled),
            }),
            spoiled,
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

    /// Parts that are read back are not what was written, until [`World::spare_parts`].
    pub(crate) fn spoil_parts(&self) {
        self.spoiled.store(true, Ordering::SeqCst);
    }

    pub(crate) fn spare_parts(&self) {
        self.spoiled.store(false, Ordering::SeqCst);
    }

    pub(crate) fn path(&self) -> &Path {
        &self.data
    }
}

/// A store whose checkpoint parts can be made to read back wrong.
#[derive(Debug)]
struct Spoiling {
    inner: MemoryStore,
    spoiled: Arc<AtomicBool>,
}

impl ObjectStore for Spoiling {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        self.inner.put_if_absent(key, bytes, crc32c)
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        self.inner.put_if_match(key, bytes, expected)
    }

    fn get(&self, key: &Key) -> Result<Object> {
        let mut object = self.inner.get(key)?;
        if key.as_str().contains("/part-") && self.spoiled.load(Ordering::SeqCst) {
            object.bytes[0] ^= 1;
        }
        Ok(object)
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        self.inner.get_range(key, offset, len)
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.inner.head(key)
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        self.inner.delete(keys)
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        self.inner.list(prefix, start_after, limit)
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        self.inner.sign(request)
    }
}

/// Sizes that keep a test's directory small.
pub(crate) fn small_limits() -> Limits {
    Limits {
        log_file_bytes: 1 << 20,
        log_reserve_bytes: 2 << 20,
        log_bytes: 64 << 20,
        pool_frames: 64,
        spare_bytes: 1 << 20,
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

pub(crate) fn remove_tree(parent: Node, text: &str) -> Request {
    Request::internal(Command::RemoveTree {
        parent,
        name: name(text),
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
