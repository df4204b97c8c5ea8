//! The one error of this crate: a refusal that the client is told, or damage that the process must act on.

use nokv_store::{Error as StoreError, ErrorKind};
use nokv_types::{Code, Refusal};

/// Result of an operation of the state machine.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a command or a read did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request was refused; nothing was changed. The client is told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed, or a row makes no sense. For a command: the process must end and recover.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// A refusal about `subject`.
    pub fn refused(code: Code, subject: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(code, subject))
    }

    /// A row that does not decode, or that contradicts another.
    pub(crate) fn corrupt(what: &'static str, subject: impl Into<String>) -> Self {
        Self::Store(StoreError::new(ErrorKind::Corrupt, "decode row", subject, what))
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Store(_) => None,
        }
    }
}
