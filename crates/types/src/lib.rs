//! Ids, names, attributes, bodies and the vocabulary of commands and answers. No I/O, no clock, no storage.
//!
//! Owns: the words that every other crate speaks. Must not know how anything is stored or transported.
//!
//! Invariants: ids are newtypes and never printed raw into keys; names and paths are checked when they are
//! made, so a held [`Name`] is always valid; the list of [`Code`]s is closed.

mod attr;
mod body;
mod code;
pub mod codec;
mod command;
mod event;
pub mod failpoint;
mod ids;
mod moment;
mod name;
mod page;
mod reply;
mod report;
mod size;
mod view;

pub use attr::{Attr, AttrChange, FileKind, NewInode};
pub use body::{
    BLOCK_BYTES, Digest, Extent, FILE_BYTES_MAX, INLINE_BYTES_MAX, PACKED_BYTES_MAX, RANGE_BYTES, ReadPlan,
    Slice, Source,
};
pub use code::{Code, Refusal, Retry};
pub use command::{
    Command, NewBody, NewKind, Origin, QuotaLimits, RenameMode, Request, RequestId, Target, Work, XattrMode,
};
pub use event::{Event, EventKind};
pub use ids::{
    Ino, Node, ObjectId, QuotaId, RESERVATION_OBJECTS, ReservationId, SessionId, TimelineId, UploadId,
    Version,
};
pub use moment::{show_exact, show_time};
pub use name::{NAME_BYTES_MAX, Name, NsPath, PATH_BYTES_MAX, XattrName, show_bytes};
pub use page::{DiffPage, EventPage, EventQuery, LoggedEvent};
pub use reply::{
    Answer, DeadObject, DiffEntry, DiffKind, DirEntry, DirPage, Outcome, PIN_HOLDERS_MAX, PinInfo,
    QuotaUsage, ReadPoint, Reply, RootInfo, RootKind,
};
pub use report::{
    CheckpointReport, DfReport, Explanation, Finding, FsckReport, GcOptions, GcReport, Holder, ObjectState,
    StatFs,
};
pub use size::show_size;
pub use view::{Ack, At, Found, View};
