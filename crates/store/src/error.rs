//! The one error of this crate: what was being done, to which key or file, and what the caller does now.

use std::fmt::Write as _;

/// Result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Stored bytes do not match their checksum or shape: quarantine and rebuild; never retry.
    Corrupt,
    /// The device refused a read or write: end the process, recovery decides.
    Io,
    /// No space is left: nothing of the operation was published; free space and retry.
    Full,
    /// The caller broke a precondition of the seam: a programming error, give up.
    Invalid,
    /// The underlying engine failed in a way that may have left memory half changed: end the process.
    Engine,
    /// The stored format is newer than this program: upgrade the program.
    TooNew,
    /// Another process owns the directory: use that process.
    Locked,
}

/// A failed store operation.
#[derive(Debug, thiserror::Error)]
#[error("{op} {subject}: {detail}")]
pub struct Error {
    /// What the caller does about it.
    pub kind: ErrorKind,
    /// The operation, a verb: `read frame`.
    pub op: &'static str,
    /// The key, frame or file it was about.
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
}

/// Renders a key for an error message: printable ASCII as it is, anything else as `\xNN`, cut at 64 bytes.
pub(crate) fn show_key(key: &[u8]) -> String {
    let mut text = String::new();
    for byte in key.iter().take(64) {
        if byte.is_ascii_graphic() && *byte != b'\\' {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if key.len() > 64 {
        text.push_str("..");
    }
    text
}
