//! The one error of this crate, and how a caller of the namespace gets to see it.

use nokv_types::{Code, Refusal};

/// Result of an engine operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another process owns the data directory: use that process.
    Locked,
    /// The data directory holds no workspace: make one first.
    Missing,
    /// The data directory or the object store holds a workspace already: open it, or choose another place.
    Exists,
    /// Data directory and object store belong to different workspaces: correct the configuration.
    WrongWorkspace,
    /// The files were written by a newer program: upgrade.
    TooNew,
    /// Files are damaged and cannot be rebuilt by themselves: an operator must act.
    Corrupt,
    /// Acknowledged versions cannot be restored: an operator must accept the loss by name.
    Loss,
    /// No space is left: free some, then try again.
    Full,
    /// The disk failed: end the process, recovery decides.
    Io,
    /// The object store does not answer as it should: look at it, then try again.
    Object,
    /// A newer owner has taken the workspace over: stop at once.
    Fenced,
    /// The caller broke a precondition.
    Invalid,
    /// The engine has stopped: open it again.
    Stopped,
}

/// A failed operation of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{op} {subject}: {detail}")]
pub struct Error {
    /// What the caller does about it.
    pub kind: ErrorKind,
    /// The operation, a verb.
    pub op: &'static str,
    /// The directory, file or object it was about.
    pub subject: String,
    /// What was wrong, one clause.
    pub detail: String,
    /// The cause underneath.
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

    /// An error of the operating system.
    pub(crate) fn io(op: &'static str, subject: impl Into<String>, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Io,
        };
        Self::new(kind, op, subject, source.to_string()).caused_by(source)
    }

    /// The error with what caused it, as far as the causes say something new.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = error.source();
        }
        text
    }

    /// The code that a caller of the namespace is answered.
    pub fn code(&self) -> Code {
        match self.kind {
            ErrorKind::Locked => Code::Locked,
            ErrorKind::Missing => Code::NotFound,
            ErrorKind::Exists => Code::Exists,
            ErrorKind::WrongWorkspace => Code::Conflict,
            ErrorKind::TooNew => Code::TooNew,
            ErrorKind::Corrupt | ErrorKind::Loss => Code::Corrupt,
            ErrorKind::Full => Code::NoSpace,
            ErrorKind::Io | ErrorKind::Object | ErrorKind::Fenced | ErrorKind::Stopped => Code::Io,
            ErrorKind::Invalid => Code::Invalid,
        }
    }

    /// The refusal that a caller of the namespace is answered.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(self.code(), self.subject.clone()).detail(format!("{}: {}", self.op, self.detail))
    }
}

impl From<nokv_store::Error> for Error {
    fn from(source: nokv_store::Error) -> Self {
        use nokv_store::ErrorKind as From;
        let kind = match source.kind {
            From::Corrupt => ErrorKind::Corrupt,
            From::Full => ErrorKind::Full,
            From::Invalid => ErrorKind::Invalid,
            From::TooNew => ErrorKind::TooNew,
            From::Locked => ErrorKind::Locked,
            _ => ErrorKind::Io,
        };
        Self::new(kind, source.op, source.subject.clone(), source.detail.clone()).caused_by(source)
    }
}

impl From<nokv_journal::Error> for Error {
    fn from(source: nokv_journal::Error) -> Self {
        use nokv_journal::ErrorKind as From;
        let kind = match source.kind {
            From::Full => ErrorKind::Full,
            From::Corrupt => ErrorKind::Corrupt,
            From::Loss { .. } => ErrorKind::Loss,
            From::Invalid => ErrorKind::Invalid,
            From::TooNew => ErrorKind::TooNew,
            From::WrongWorkspace | From::IdentityMissing => ErrorKind::WrongWorkspace,
            From::IdentityTaken => ErrorKind::Exists,
            From::Fenced => ErrorKind::Fenced,
            From::Conflict | From::Object => ErrorKind::Object,
            _ => ErrorKind::Io,
        };
        Self::new(kind, source.op, source.subject.clone(), source.detail.clone()).caused_by(source)
    }
}

impl From<nokv_object::Error> for Error {
    fn from(source: nokv_object::Error) -> Self {
        use nokv_object::ErrorKind as From;
        let kind = match source.kind {
            From::Full => ErrorKind::Full,
            From::Corrupt | From::OutOfRange => ErrorKind::Corrupt,
            From::Invalid => ErrorKind::Invalid,
            _ => ErrorKind::Object,
        };
        let subject = source.key.clone().unwrap_or_else(|| "object store".to_owned());
        Self::new(kind, "use", subject, source.to_string()).caused_by(source)
    }
}

impl From<nokv_meta::Error> for Error {
    fn from(source: nokv_meta::Error) -> Self {
        match source {
            nokv_meta::Error::Store(source) => source.into(),
            nokv_meta::Error::Refused(refusal) => Self::new(
                ErrorKind::Invalid,
                "read",
                refusal.subject.clone(),
                refusal.detail.clone(),
            )
            .caused_by(refusal),
        }
    }
}

impl From<Error> for nokv_client::Error {
    fn from(error: Error) -> Self {
        error.refusal().into()
    }
}

/// A failed read, as the caller of the namespace is told.
pub(crate) fn read_failed(error: nokv_meta::Error) -> nokv_client::Error {
    match error {
        nokv_meta::Error::Refused(refusal) => refusal.into(),
        nokv_meta::Error::Store(source) => Error::from(source).into(),
    }
}
