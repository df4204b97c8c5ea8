//! A namespace to measure, and the files that are put into it.

use crate::clock::Stopwatch;
use anyhow::{Context, Result, anyhow};
use nokv_client::{Ack, Namespace};
use nokv_metad::Embedded;
use nokv_types::{Command, Name, NewInode, NewKind, Node, Outcome, Request, RequestId, SessionId};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Files in a directory of a tree.
pub(crate) const DIR_FILES: u64 = 1000;

/// Commands of one batch.
pub(crate) const BATCH: u64 = 128;
/// Who owns what the benchmark makes.
pub(crate) const OWNER: NewInode = NewInode {
    mode: 0o644,
    uid: 1000,
    gid: 1000,
};

/// A directory that is removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("nokv-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An open namespace with a session, as a client would have.
pub(crate) struct Subject {
    pub(crate) embedded: Embedded,
    session: SessionId,
    sequence: u64,
}

impl Subject {
    /// Opens (or makes) the namespace in `dir` with default settings.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        Self::over(open_embedded(&dir.join("data"))?)
    }

    /// Opens the namespace in `dir` so that nothing is published while it is open, however long the redo tail gets.
    pub(crate) fn open_unpublished(dir: &Path) -> Result<Self> {
        Self::over(open_with(&dir.join("data"), |limits| {
            limits.redo_bytes = u64::MAX;
        })?)
    }

    fn over(embedded: Embedded) -> Result<Self> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let nth = OPENED.fetch_add(1, Ordering::Relaxed) + 1;
        let session = SessionId(u64::from(std::process::id()) << 20 | nth);
        let mut subject = Self {
            embedded,
            session,
            sequence: 0,
        };
        let open = Request::internal(Command::SessionOpen {
            session,
            ttl_ns: 3_600_000_000_000,
        });
        subject.must(vec![open], Ack::Durable)?;
        Ok(subject)
    }

    /// The root directory.
    pub(crate) fn root(&self) -> Result<Node> {
        Ok(self
            .embedded
            .root(b"main")
            .map_err(|error| anyhow!("{error}"))?
            .node)
    }

    /// A request of the session, with an identity.
    pub(crate) fn request(&mut self, command: Command) -> Request {
        self.sequence += 1;
        let id = RequestId {
            session: self.session,
            stream: 0,
            sequence: self.sequence,
            part: 0,
        };
        Request {
            id: Some(id),
            retired_below: self.sequence.saturating_sub(BATCH),
            retired: Vec::new(),
            actor: b"bench".to_vec(),
            command,
        }
    }

    /// Runs a batch of which every command must succeed.
    pub(crate) fn must(&mut self, requests: Vec<Request>, ack: Ack) -> Result<Vec<Outcome>> {
        self.embedded
            .submit(requests, ack)
            .into_iter()
            .map(|answer| {
                answer
                    .map(|reply| reply.outcome)
                    .map_err(|refusal| anyhow!("{refusal}"))
            })
            .collect()
    }

    /// Runs one command that must succeed.
    pub(crate) fn run(&mut self, command: Command) -> Result<Outcome> {
        let request = self.request(command);
        self.must(vec![request], Ack::Durable)?.pop().context("no answer")
    }

    /// Makes a directory.
    pub(crate) fn mkdir(&mut self, parent: Node, text: &str) -> Result<Node> {
        match self.run(Command::Create {
            parent,
            name: name(text.as_bytes())?,
            inode: OWNER,
            kind: NewKind::Directory,
        })? {
            Outcome::Inode(node, _) => Ok(node),
            other => Err(anyhow!("mkdir answered {other:?}")),
        }
    }

    /// Makes `count` empty files in one directory, 128 a batch, each batch durable before the next.
    pub(crate) fn fill(&mut self, parent: Node, count: u64) -> Result<()> {
        let mut made = 0;
        while made < count {
            let end = count.min(made + BATCH);
            let batch = self.creates(parent, made..end)?;
            self.must(batch, Ack::Durable)?;
            made = end;
        }
        Ok(())
    }

    /// The requests that make the files of these numbers.
    pub(crate) fn creates(&mut self, parent: Node, numbers: std::ops::Range<u64>) -> Result<Vec<Request>> {
        let mut batch = Vec::with_capacity(BATCH as usize);
        for number in numbers {
            let name = file_name(number)?;
            batch.push(self.request(Command::Create {
                parent,
                name,
                inode: OWNER,
                kind: NewKind::File,
            }));
        }
        Ok(batch)
    }

    /// Makes a tree of `count` files in directories of [`DIR_FILES`] below `parent`; answers the directories.
    pub(crate) fn tree(&mut self, parent: Node, count: u64) -> Result<Vec<Node>> {
        let mut dirs = Vec::new();
        let mut left = count;
        while left > 0 {
            let dir = self.mkdir(parent, &format!("dir-{:04}", dirs.len()))?;
            self.fill(dir, left.min(DIR_FILES))?;
            left -= left.min(DIR_FILES);
            dirs.push(dir);
        }
        Ok(dirs)
    }
}

/// Opens the engine as the CLI does, with its defaults.
pub(crate) fn open_embedded(dir: &Path) -> Result<Embedded> {
    open_with(dir, |_| ())
}

/// Opens the engine with limits that `change` makes different from the defaults.
fn open_with(dir: &Path, change: impl FnOnce(&mut nokv_metad::Limits)) -> Result<Embedded> {
    let objects = nokv_metad::open_objects(&format!("dir:{}", dir.join("objects").display()));
    let mut options = nokv_metad::Options::new(objects.map_err(|error| anyhow!("{error}"))?);
    change(&mut options.limits);
    match Embedded::create(dir, options.clone()) {
        Err(error) if error.kind == nokv_metad::ErrorKind::Exists => Embedded::open(dir, options),
        made => made,
    }
    .map_err(|error| anyhow!("{error}"))
}

/// The name of the file of this number: 15 bytes.
pub(crate) fn file_name(number: u64) -> Result<Name> {
    name(format!("file-{number:06}.txt").as_bytes())
}

/// A checked name.
pub(crate) fn name(bytes: &[u8]) -> Result<Name> {
    Name::new(bytes).map_err(|refusal| anyhow!("{refusal}"))
}

/// The median time of one 4 KiB overwrite and fdatasync in a preallocated file, in microseconds.
pub(crate) fn bare_sync_us(dir: &Path, rounds: usize) -> Result<f64> {
    use std::os::unix::fs::FileExt as _;
    let path = dir.join("bare.dat");
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)?;
    let zeros = vec![0; 1 << 20];
    for block in 0..16 {
        file.write_all_at(&zeros, block << 20)?;
    }
    file.sync_all()?;
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds as u64 {
        let watch = Stopwatch::start();
        file.write_all_at(&zeros[..4096], round * 4096 % (16 << 20))?;
        file.sync_data()?;
        times.push(watch.seconds() * 1e6);
    }
    std::fs::remove_file(&path)?;
    crate::report::median(&times).context("no rounds")
}

/// Small, fast, seeded numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }
}
