//! The closed list of reasons for which a request is refused, and the refusal that carries one.

use std::fmt;

/// What a client does with a refusal of this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Sending it again gives the same answer.
    Never,
    /// The same request may succeed later, unchanged.
    Same,
    /// Look the arguments up again first.
    AfterRefresh,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $errno:literal, $retry:ident, $say:literal;)*) => {
        /// Why a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The errno that a filesystem answers.
            pub fn errno(self) -> i32 {
                match self { $(Code::$name => $errno,)* }
            }

            /// What the client does.
            pub fn retry(self) -> Retry {
                match self { $(Code::$name => Retry::$retry,)* }
            }

            /// One clause for people.
            pub fn sentence(self) -> &'static str {
                match self { $(Code::$name => $say,)* }
            }

            /// The code's name as it stands in JSON and in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }

            /// The code with this number.
            pub fn from_number(number: u16) -> Option<Code> {
                match number { $($number => Some(Code::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// No such entry.
    NotFound = 2, 2, Never, "does not exist";
    /// The name is taken.
    Exists = 17, 17, Never, "exists already";
    /// A directory was needed.
    NotADirectory = 20, 20, Never, "is not a directory";
    /// A directory was not expected.
    IsADirectory = 21, 21, Never, "is a directory";
    /// The directory has entries.
    NotEmpty = 39, 39, Never, "is not empty";
    /// The request makes no sense.
    Invalid = 22, 22, Never, "is not valid";
    /// The name breaks the rules for names.
    NameInvalid = 100, 22, Never, "is not a valid name";
    /// The name is longer than 255 bytes.
    NameTooLong = 36, 36, Never, "is too long a name";
    /// The path is longer than 4096 bytes.
    PathTooLong = 101, 36, Never, "is too long a path";
    /// The kind of the inode does not take this operation.
    WrongKind = 102, 22, Never, "is of the wrong kind for this";
    /// Too many links to one inode.
    TooManyLinks = 31, 31, Never, "has too many links";
    /// A directory would become its own ancestor.
    Loop = 103, 22, Never, "would contain itself";
    /// The two places do not share a quota root or timeline.
    CrossDevice = 18, 18, Never, "lies in another quota root or timeline";
    /// The operation is not permitted on this object.
    NotPermitted = 1, 1, Never, "is not permitted";
    /// Nothing can be changed there: a snapshot, or an old version.
    ReadOnly = 30, 30, Never, "is read-only";
    /// The timeline of the reference is not live any more.
    Stale = 116, 116, AfterRefresh, "refers to a state that was rolled back or deleted";
    /// The workspace is full.
    NoSpace = 28, 28, Never, "does not fit the workspace";
    /// The quota is used up.
    QuotaExceeded = 122, 122, Never, "does not fit the quota";
    /// No such extended attribute.
    NoAttribute = 61, 61, Never, "has no such attribute";
    /// The value, the body or the list is larger than the limit.
    TooLarge = 27, 27, Never, "is larger than the limit";
    /// Too many of them: extents in a range, attributes, pins, sessions.
    TooMany = 104, 28, Never, "would exceed a named limit";
    /// The range has too many extents: compact it and send the request again.
    NeedsCompaction = 105, 11, AfterRefresh, "has too many extents and must be compacted first";
    /// The expected generation, version or holder is not the one found.
    Conflict = 106, 11, AfterRefresh, "was changed by somebody else";
    /// That version is no longer kept.
    VersionExpired = 107, 116, Never, "is older than the history that is kept";
    /// The cursor is older than the oldest kept event.
    CursorExpired = 108, 116, AfterRefresh, "is older than the events that are kept";
    /// Only a root, a volume or a fork can be rolled back or promoted.
    NotARoot = 109, 22, Never, "is not a root, volume or fork";
    /// The live state changed since the branch.
    LiveChanged = 110, 11, Never, "was changed since the fork was made";
    /// The chain of forks is too deep.
    TooDeep = 111, 40, Same, "is a fork of too many forks";
    /// The snapshot, fork or timeline is still in use.
    InUse = 112, 16, Never, "is still in use";
    /// The answer to this request was already taken.
    AlreadyRetired = 113, 11, Never, "was answered and retired already";
    /// The session is not known or has ended.
    SessionExpired = 114, 11, AfterRefresh, "is not a live session";
    /// The client has too many unanswered results: retire some.
    WindowFull = 115, 11, Same, "has too many results that were not retired";
    /// The object id was never reserved, or its reservation has ended.
    UploadExpired = 117, 116, AfterRefresh, "is not a reserved object or its reservation has ended";
    /// The feature is not there in this build or mode.
    Unsupported = 95, 95, Never, "is not supported here";
    /// Bytes do not match their digest.
    Corrupt = 118, 5, Never, "does not match its checksum";
    /// The device or bucket answered with an error.
    Io = 5, 5, Same, "could not be read or written";
    /// Another process owns the data directory.
    Locked = 119, 16, Same, "is owned by another process";
    /// The outcome is not known yet.
    OutcomeUnknown = 120, 5, Same, "has an unknown outcome";
    /// A queue is full.
    Busy = 121, 11, Same, "is busy";
    /// The format is newer than this program.
    TooNew = 123, 95, Never, "has a newer format than this program";
    /// The token is missing, unknown, or its time is over: bring a new one.
    Unauthenticated = 124, 13, AfterRefresh, "is not a token that is accepted here";
    /// The token does not grant this: its mode or its subtree is another.
    Forbidden = 13, 13, Never, "is not granted to this token";
    /// The server recovers and does not serve yet.
    NotReady = 125, 11, Same, "is not ready yet";
    /// The server stops: connect again.
    Draining = 126, 11, Same, "is stopping";
    /// The caller's deadline is over.
    TimedOut = 127, 110, Same, "took longer than its caller would wait";
    /// The caller took the request back before it was executed.
    Cancelled = 4, 4, Same, "was cancelled";
    /// The receiver has no such message.
    UnknownMessage = 128, 95, Never, "is a message that is not known here";
    /// The bytes of a message are not what its number and version say.
    Malformed = 129, 71, Never, "is not a well-formed message";
    /// Client and server share no version of the protocol.
    NoCommonVersion = 130, 93, Never, "speaks no version of the protocol that is spoken here";
}

/// A request that was refused: the code, what it is about, and the particulars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// What the refusal is about: a name, a path, an id.
    pub subject: String,
    /// The particulars; empty when the code says it all.
    pub detail: String,
}

impl Refusal {
    /// A refusal about `subject`.
    pub fn new(code: Code, subject: impl Into<String>) -> Self {
        Self {
            code,
            subject: subject.into(),
            detail: String::new(),
        }
    }

    /// Adds the particulars.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.code.sentence())?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
