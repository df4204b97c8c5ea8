//! The one error of this crate: what was being done, to which file, segment or object, and what the caller does now.

use std::io;

/// Result of a journal operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No room: the log is as it was before; free space or wait for trimming, then try again.
    Full,
    /// A write or an fsync failed, what the disk holds is unknown: end the process (exit 74), recovery decides.
    Fatal,
    /// Stored bytes do not match their checksum, chain or shape: never retry, recovery or the operator decides.
    Corrupt,
    /// Acknowledged versions cannot be restored: an operator must accept the loss of what is named.
    Loss {
        /// The first version that may be lost.
        from: u64,
        /// The last version that existed; `None` when nothing tells which that was.
        to: Option<u64>,
    },
    /// The caller broke a precondition: a programming error, give up.
    Invalid,
    /// The stored format is newer than this program: upgrade the program.
    TooNew,
    /// The files or objects belong to another workspace: an operator must correct the configuration.
    WrongWorkspace,
    /// The object store was expected to hold an identity and holds none: an operator must act.
    IdentityMissing,
    /// The object store already belongs to a workspace: choose another prefix, or adopt it.
    IdentityTaken,
    /// A newer epoch wrote here: another process owns the workspace, stop at once.
    Fenced,
    /// Someone else changed `meta/HEAD` meanwhile: read it again and decide anew.
    Conflict,
    /// The wanted version is older than what is kept: start again from the named oldest one.
    CursorExpired {
        /// The oldest version that can still be read from.
        oldest: u64,
    },
    /// The object store did not answer as it should: retry with backoff.
    Object,
    /// The store under the namespace failed: its own error is the source.
    Store,
}

/// A failed journal operation.
#[derive(Debug, thiserror::Error)]
#[error("{op} {subject}: {detail}")]
pub struct Error {
    /// What the caller does about it.
    pub kind: ErrorKind,
    /// The operation, a verb: `append segment`.
    pub op: &'static str,
    /// The file, segment or object it was about.
    pub subject: String,
    /// What was wrong, one clause.
    pub detail: String,
    /// The cause underneath, where there is one.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error without a cause.
    pub fn new(
        kind: ErrorKind,
        op: &'static str,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            op,
            subject: subject.into(),
            detail: detail.into(),
            source: None,
        }
    }

    /// Adds the cause underneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Maps an I/O error: no space is `Full`, everything else is `Fatal`.
    pub(crate) fn io(op: &'static str, subject: impl Into<String>, source: io::Error) -> Self {
        let kind = if is_full(&source) {
            ErrorKind::Full
        } else {
            ErrorKind::Fatal
        };
        Self::new(kind, op, subject, source.to_string()).caused_by(source)
    }

    /// Stored bytes that are not what was written.
    pub(crate) fn corrupt(op: &'static str, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, op, subject, detail)
    }
}

/// Whether the device or the quota under the directory has no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl From<nokv_store::Error> for Error {
    fn from(source: nokv_store::Error) -> Self {
        let kind = if source.kind == nokv_store::ErrorKind::Corrupt {
            ErrorKind::Corrupt
        } else {
            ErrorKind::Store
        };
        Self::new(kind, source.op, source.subject.clone(), source.detail.clone()).caused_by(source)
    }
}
