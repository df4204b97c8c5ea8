//! Questions, and what concerns the session and the service: every operation that is no command.

use crate::data::PutIntent;
use crate::fields::{Field, Input};
use crate::hello::Credential;
use crate::kinds::OpKind;
use crate::lease::LeaseObject;
use crate::lock::LockRequest;
use nokv_types::{
    At, Command, EventQuery, GcOptions, Ino, Name, Node, NsPath, ObjectId, ReadPoint, SessionId, View,
    XattrName,
};

macro_rules! asks {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*) => {
        /// An operation that is no command.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(
            missing_docs,
            reason = "the fields' types and names say what they are; a variant says what it asks"
        )]
        pub enum Ask {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $ty,)* },)*
        }

        impl Ask {
            /// Which operation.
            pub fn kind(&self) -> OpKind {
                match self { $(Self::$name { .. } => OpKind::$name,)* }
            }

            /// Appends the fields.
            pub(crate) fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name { $($field),* } => { $(Field::put($field, out);)* })*
                }
                // Some operations have no fields.
                let _ = out;
            }

            /// Takes the fields of this kind: `None` when it is a command's, `Some(None)` when they are malformed.
            pub(crate) fn take(kind: OpKind, input: &mut Input<'_>) -> Option<Option<Self>> {
                match kind {
                    $(OpKind::$name => {
                        fn fields(input: &mut Input<'_>) -> Option<Ask> {
                            let _ = &input;
                            Some(Ask::$name { $($field: input.field()?,)* })
                        }
                        Some(fields(input))
                    })*
                    _ => None,
                }
            }
        }
    };
}

asks! {
    /// The newest version that readers see.
    NewestVersion {}
    /// The root of this name.
    Root { name: Vec<u8>, }
    /// Roots by name, behind `after`.
    Roots { after: Option<Vec<u8>>, limit: u32, }
    /// What to read to see the root of this name at `at`.
    ResolveAt { root: Vec<u8>, at: At, }
    /// The entry `name` of a directory. Grants: entry (this name) and attribute, or negative.
    Lookup { point: ReadPoint, dir: Ino, name: Name, }
    /// What stands at `path` below `from`. Grants: attribute.
    Resolve { point: ReadPoint, from: Ino, path: NsPath, }
    /// Everything on the way to `path`, as far as there is something. Grants: entry and attribute of each step, and
    /// negative for the missing one.
    Walk { point: ReadPoint, from: Ino, path: NsPath, }
    /// The attributes of an inode. Grants: attribute.
    GetAttr { point: ReadPoint, ino: Ino, }
    /// Entries of a directory behind `after`. Grants: entry (of every name in it), attribute where asked.
    ReadDir {
        point: ReadPoint,
        dir: Ino,
        after: Option<Name>,
        /// Most entries; the server may answer fewer.
        limit: u32,
        /// With attributes.
        attrs: bool,
    }
    /// The target of a symbolic link. Grants: attribute.
    ReadLink { point: ReadPoint, ino: Ino, }
    /// The value of an extended attribute. Grants: attribute.
    XattrGet { point: ReadPoint, ino: Ino, name: XattrName, }
    /// The names of all extended attributes. Grants: attribute.
    XattrList { point: ReadPoint, ino: Ino, }
    /// Where `len` bytes from `offset` lie, inline bytes included; with `urls` also how to fetch the others.
    ReadPlan { point: ReadPoint, ino: Ino, offset: u64, len: u64, urls: bool, }
    /// The file behind a handle of this session (or of the `Open` before it in the call), with the attributes that it has now and the body it holds.
    OpenedAttr { handle: u64, }
    /// As `ReadPlan`, of the body that a handle of this session holds.
    OpenedPlan { handle: u64, offset: u64, len: u64, urls: bool, }
    /// A path that leads from the root of the timeline to the inode.
    PathOf { point: ReadPoint, ino: Ino, }
    /// Snapshot pins by key, behind `after`.
    Pins { after: Option<Vec<u8>>, limit: u32, }
    /// What the quota root that `node` is charged to has used, and its limits.
    Quota { node: Node, }
    /// What the workspace holds.
    StatFs {}
    /// A page of events.
    Events { query: EventQuery, }
    /// A page of the differences from `a` to `b`.
    Diff { a: View, b: View, after: Option<Vec<u8>>, limit: u32, }
    /// What the command would be answered now. Nothing is changed; the token has to grant what the command needs.
    Rehearse { command: Command, }

    /// Extends every lease of the session by the TTL. Also answers a supervisor that holds the renewal key.
    RenewLeases {}
    /// Gives leases back that are of no more use.
    ReleaseLeases { objects: Vec<LeaseObject>, }
    /// Replaces the credential of the connection before it expires; the subject must be the same.
    Authenticate { credential: Credential, }
    /// Takes or gives back a lock on a range; `Busy` when another one holds it and `wait` is not set. A waiting
    /// request ends with `Notice::Cancel`.
    LockSet { request: LockRequest, }
    /// Who would be in the way of this lock.
    LockTest { request: LockRequest, }
    /// Sends events of versions behind the cursor on this connection, kept ones first, then as they come.
    Watch {
        /// What to send; `limit` is the most events of one push.
        query: EventQuery,
        /// Events that may be sent before the client gives more credit.
        credit: u32,
    }
    /// Ends a watch of this connection.
    Unwatch { watch: u64, }
    /// How to store these objects, whose ids the caller reserved: each once, with exactly these bytes.
    SignPut { objects: Vec<PutIntent>, }
    /// How to fetch these objects.
    SignGet { objects: Vec<ObjectId>, }

    /// Whether the server serves, and if not, or not well, why.
    Ready {}
    /// Counters and sizes.
    Stats {}
    /// Collects garbage now.
    Gc { options: GcOptions, }
    /// What keeps an object.
    GcExplain { object: ObjectId, }
    /// Proves counts and references against a full walk.
    Fsck { repair: bool, }
    /// Where the bytes are.
    Df {}
    /// Publishes and saves the state.
    Checkpoint {}
    /// Stops in order: no new calls, finish, checkpoint, release, all within this time, ms.
    Drain { within_ms: u32, }
    /// Sessions by id, behind `after`.
    Sessions { after: Option<SessionId>, limit: u32, }
    /// Ends somebody's session: its leases, locks and opens.
    SessionEnd { session: SessionId, }
}
