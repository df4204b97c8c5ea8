//! The trait [`Namespace`]: everything that can be asked of one, embedded or remote, by a blocking caller.
//!
//! Owns: the shape of questions and answers. Must not know: who answers.
//!
//! Invariants: `submit` is the only way to change anything; every read names the state that it reads.

pub use nokv_types::{
    Ack, At, CheckpointReport, DfReport, DiffPage, EventPage, EventQuery, Explanation, Finding, Found,
    FsckReport, GcOptions, GcReport, Holder, LoggedEvent, ObjectState, StatFs, View,
};

use crate::Result;
use nokv_types::{
    Answer, Attr, Command, DirPage, Ino, Name, Node, NsPath, ObjectId, PinInfo, QuotaUsage, ReadPlan,
    ReadPoint, Reply, Request, RootInfo, Version, XattrName,
};

/// A namespace. Object-safe; every call may come from any thread and blocks until it is answered.
///
/// # Errors
/// Reads answer `NotFound` for what is not there at that state, `VersionExpired` for a state that is no longer
/// kept, `Corrupt` for rows that do not match their checksum.
pub trait Namespace: Send + Sync {
    /// Runs the requests in order as one batch; one answer each, in the same order.
    ///
    /// A refused request does not stop those behind it.
    ///
    /// # Durability
    /// With [`Ack::Durable`] no answer comes before all of them survive what the durability mode promises.
    fn submit(&self, requests: Vec<Request>, ack: Ack) -> Vec<Answer>;

    /// What [`Namespace::submit`] would answer to this command now. Nothing is changed, and nothing is promised:
    /// others may be faster.
    ///
    /// # Errors
    /// The refusal that the command would get.
    fn rehearse(&self, command: Command) -> Result<Reply>;

    /// The newest version that readers can see.
    fn version(&self) -> Result<Version>;

    /// The root of this name.
    fn root(&self, name: &[u8]) -> Result<RootInfo>;

    /// Every root, by name.
    fn roots(&self) -> Result<Vec<RootInfo>>;

    /// What to read to see the root of this name at `at`.
    ///
    /// A snapshot answers its own pinned subtree, whatever root it was made on: `root` then only has to exist.
    fn resolve_at(&self, root: &[u8], at: &At) -> Result<View>;

    /// The entry `name` of a directory.
    fn lookup(&self, point: ReadPoint, dir: Ino, name: &Name) -> Result<Found>;

    /// What stands at `path` below `from`, in one call; symbolic links are not followed.
    ///
    /// # Errors
    /// `NotFound` or `NotADirectory` with the path up to the offending name as the subject.
    fn resolve(&self, point: ReadPoint, from: Ino, path: &NsPath) -> Result<Found>;

    /// The attributes of an inode.
    fn getattr(&self, point: ReadPoint, ino: Ino) -> Result<Attr>;

    /// Entries of a directory behind `after`, at most `limit`, with their attributes when asked.
    fn readdir(
        &self,
        point: ReadPoint,
        dir: Ino,
        after: Option<&Name>,
        limit: usize,
        with_attrs: bool,
    ) -> Result<DirPage>;

    /// The target of a symbolic link.
    fn readlink(&self, point: ReadPoint, ino: Ino) -> Result<Vec<u8>>;

    /// The value of an extended attribute.
    fn xattr_get(&self, point: ReadPoint, ino: Ino, name: &XattrName) -> Result<Vec<u8>>;

    /// The names of all extended attributes of an inode, in order.
    fn xattr_list(&self, point: ReadPoint, ino: Ino) -> Result<Vec<XattrName>>;

    /// Where `len` bytes of a file from `offset` lie; a range behind the end is cut.
    fn read_plan(&self, point: ReadPoint, ino: Ino, offset: u64, len: u64) -> Result<ReadPlan>;

    /// A path that leads from the root of the timeline to the inode.
    fn path_of(&self, point: ReadPoint, ino: Ino) -> Result<NsPath>;

    /// Every snapshot pin, by key.
    fn pins(&self) -> Result<Vec<PinInfo>>;

    /// What the quota root that `node` is charged to has used, and its limits.
    fn quota(&self, node: Node) -> Result<QuotaUsage>;

    /// What the workspace holds.
    fn statfs(&self) -> Result<StatFs>;

    /// A page of events.
    fn events(&self, query: &EventQuery) -> Result<EventPage>;

    /// A page of the differences from `a` to `b`; `after` is the `next` of the page before.
    fn diff(&self, a: View, b: View, after: Option<&[u8]>, limit: usize) -> Result<DiffPage>;

    /// Where bodies lie.
    fn blobs(&self) -> &dyn Blobs;

    /// Reclaims and prunes until nothing is left to do now, and deletes objects whose grace is over.
    fn gc(&self, options: &GcOptions) -> Result<GcReport>;

    /// What keeps an object.
    fn gc_explain(&self, object: ObjectId) -> Result<Explanation>;

    /// Proves counts, references and the presence of every object against a full walk.
    fn fsck(&self, repair: bool) -> Result<FsckReport>;

    /// Where the bytes on disk and in the object store are.
    fn df(&self) -> Result<DfReport>;

    /// Publishes the state to the frame store and, where there is one, the object store.
    fn checkpoint(&self) -> Result<CheckpointReport>;
}

/// The immutable objects that bodies lie in.
pub trait Blobs: Send + Sync {
    /// Creates an object; the same bytes again are no error.
    ///
    /// # Errors
    /// `Conflict` when the object exists with other bytes, `Corrupt` when the bytes that arrived do not have this
    /// CRC32C, `Io` and `Busy` when it may work later.
    ///
    /// # Durability
    /// The object survives a power cut once this returned.
    fn put_new(&self, object: ObjectId, bytes: &[u8], crc32c: u32) -> Result<()>;

    /// Reads exactly `len` bytes from `offset`.
    ///
    /// # Errors
    /// `NotFound` when there is no such object, `Corrupt` when it ends before the range does.
    fn get(&self, object: ObjectId, offset: u64, len: u32) -> Result<Vec<u8>>;
}
