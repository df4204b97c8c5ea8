//! What operations are answered: one shape for each, whatever operation asks.

use crate::admin::{PinPage, Readiness, RootPage, SessionPage, Stat};
use crate::data::{Planned, SignedRequest, Walked};
use crate::fields::{Field, Input};
use crate::hello::Granted;
use crate::lock::LockHolder;
use crate::push::Watching;
use crate::session::Renewed;
use nokv_types::codec::{put_reply, take_reply};
use nokv_types::{
    Attr, CheckpointReport, DfReport, DiffPage, DirPage, EventPage, Explanation, Found, FsckReport, GcReport,
    NsPath, QuotaUsage, Reply, RootInfo, StatFs, Version, View, XattrName,
};

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident($ty:ty);)*) => {
        /// Which type answers an operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "said at the variants of `Done`, which have the same names")]
        pub enum Shape {
            $($name,)*
        }

        impl Shape {
            /// Every shape.
            pub const ALL: &'static [Shape] = &[$(Shape::$name,)*];
        }

        /// The answer to an operation that was done.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Done {
            $($(#[$doc])* $name($ty),)*
        }

        impl Done {
            /// Its shape.
            pub fn shape(&self) -> Shape {
                match self { $(Self::$name(_) => Shape::$name,)* }
            }

            /// Appends it.
            pub(crate) fn put(&self, out: &mut Vec<u8>) {
                match self { $(Self::$name(value) => value.put(out),)* }
            }

            /// Takes one of this shape; `None` when malformed.
            pub(crate) fn take(shape: Shape, input: &mut Input<'_>) -> Option<Self> {
                Some(match shape { $(Shape::$name => Self::$name(input.field()?),)* })
            }
        }
    };
}

shapes! {
    /// What a command did, as the log keeps it.
    Changed(Reply);
    /// Nothing more to say.
    Done(());
    /// A version.
    Version(Version);
    /// A root.
    Root(RootInfo);
    /// A page of roots.
    Roots(RootPage);
    /// A state of a subtree.
    View(View);
    /// An inode.
    Found(Found);
    /// What is on the way along a path.
    Walked(Walked);
    /// Attributes.
    Attr(Attr);
    /// A page of a directory.
    Dir(DirPage);
    /// The target of a link, or the value of an attribute.
    Bytes(Vec<u8>);
    /// Names of extended attributes.
    Names(Vec<XattrName>);
    /// Where bytes lie.
    Planned(Planned);
    /// A path.
    Path(NsPath);
    /// A page of snapshot pins.
    Pins(PinPage);
    /// Use and limits of a quota root.
    Quota(QuotaUsage);
    /// What the workspace holds.
    StatFs(StatFs);
    /// A page of events.
    Events(EventPage);
    /// A page of differences.
    Diff(DiffPage);
    /// Leases were extended.
    Renewed(Renewed);
    /// What the new credential grants.
    Granted(Granted);
    /// The lock in the way, if there is one.
    Lock(Option<LockHolder>);
    /// A watch began.
    Watching(Watching);
    /// Requests for the object store.
    Signed(Vec<SignedRequest>);
    /// Readiness.
    Ready(Readiness);
    /// Counters and sizes.
    Stats(Vec<Stat>);
    /// What garbage collection did.
    Gc(GcReport);
    /// What keeps an object.
    Explained(Explanation);
    /// What fsck saw.
    Checked(FsckReport);
    /// Where the bytes are.
    Df(DfReport);
    /// What a checkpoint published.
    Saved(CheckpointReport);
    /// A page of sessions.
    Sessions(SessionPage);
}

impl Field for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut Input<'_>) -> Option<Self> {
        Some(())
    }
}

impl Field for Reply {
    fn put(&self, out: &mut Vec<u8>) {
        put_reply(out, self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        take_reply(input)
    }
}
