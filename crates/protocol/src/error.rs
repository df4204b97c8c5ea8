//! The one error of this crate.

use nokv_types::{Code, Refusal};

/// Result of reading or writing messages.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What whoever holds the connection does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer does not speak this protocol: close the connection.
    Foreign,
    /// A checksum does not hold, so nothing that follows can be trusted: close, connect again, send again.
    Corrupt,
    /// The peer announces a frame above the limit: close the connection.
    FrameTooLarge,
    /// The message has a number that is not known here: say so, go on.
    Unknown,
    /// The message is known, its version is newer: say so, go on.
    TooNew,
    /// The bytes are not what number and version say: say so, go on.
    Malformed,
    /// What was to be sent is above a limit: send less.
    TooLarge,
    /// What was to be sent has no place in the protocol: do not send it.
    Unencodable,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [ErrorKind; 8] = [
        Self::Foreign,
        Self::Corrupt,
        Self::FrameTooLarge,
        Self::Unknown,
        Self::TooNew,
        Self::Malformed,
        Self::TooLarge,
        Self::Unencodable,
    ];

    /// The code that the peer (or the caller) is told.
    pub fn code(self) -> Code {
        match self {
            Self::Foreign | Self::Malformed => Code::Malformed,
            Self::Corrupt => Code::Corrupt,
            Self::FrameTooLarge | Self::TooLarge => Code::TooLarge,
            Self::Unknown => Code::UnknownMessage,
            Self::TooNew => Code::TooNew,
            Self::Unencodable => Code::Invalid,
        }
    }

    /// Whether the connection has to be closed.
    pub fn is_fatal(self) -> bool {
        match self {
            Self::Foreign | Self::Corrupt | Self::FrameTooLarge => true,
            Self::Unknown | Self::TooNew | Self::Malformed | Self::TooLarge | Self::Unencodable => false,
        }
    }
}

/// A message that could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{op} {subject}: {detail}")]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    /// The operation, a verb.
    pub op: &'static str,
    /// The frame or message.
    pub subject: String,
    /// What was wrong, one clause.
    pub detail: String,
}

impl Error {
    /// An error while doing `op` to `subject`.
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
        }
    }

    pub(crate) fn malformed(subject: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Malformed,
            "read",
            subject,
            "the bytes are not what its number and version say",
        )
    }

    pub(crate) fn unknown(what: &'static str, number: u64) -> Self {
        Self::new(
            ErrorKind::Unknown,
            "read",
            format!("{what} {number}"),
            "the number is not known here",
        )
    }

    pub(crate) fn too_new(subject: impl Into<String>, version: u8) -> Self {
        Self::new(
            ErrorKind::TooNew,
            "read",
            subject,
            format!("version {version} is newer than this program"),
        )
    }

    pub(crate) fn unencodable(subject: impl Into<String>, why: &'static str) -> Self {
        Self::new(ErrorKind::Unencodable, "write", subject, why)
    }

    pub(crate) fn too_large(subject: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, "write", subject, why)
    }

    /// Whether the connection has to be closed.
    pub fn is_fatal(&self) -> bool {
        self.kind.is_fatal()
    }

    /// What the peer (or the caller) is told.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(self.kind.code(), self.subject.clone()).detail(self.detail.clone())
    }
}
