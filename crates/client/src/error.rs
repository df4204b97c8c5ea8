//! The one error of this crate.

use nokv_types::{Code, Refusal};
use std::fmt;
use std::io;

/// What callers of this crate get.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The namespace answered no. [`Code::retry`] says whether to ask again.
    Refused(Refusal),
    /// The caller's own file, stream or archive could not be read or written; repair it and start again.
    Local(io::Error),
    /// The caller's input breaks a rule before anything was asked; correct it.
    Input(String),
    /// The namespace could not be reached, or the connection broke; the same request may succeed later.
    Unreachable(io::Error),
    /// The caller asked to stop; nothing is half done.
    Stopped,
}

/// An error: what was being done, to what, and why it did not work.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    op: &'static str,
    subject: String,
}

impl Error {
    /// An error of this kind, while doing `op` to `subject`.
    pub fn new(kind: ErrorKind, op: &'static str, subject: impl Into<String>) -> Self {
        Self {
            kind,
            op,
            subject: subject.into(),
        }
    }

    /// The caller's own file could not be read or written.
    pub fn local(op: &'static str, subject: impl Into<String>, source: io::Error) -> Self {
        Self::new(ErrorKind::Local(source), op, subject)
    }

    /// The caller's input breaks a rule.
    pub fn input(op: &'static str, subject: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input(why.into()), op, subject)
    }

    /// A refusal of this code about `subject`.
    pub fn refused(code: Code, subject: impl Into<String>) -> Self {
        Refusal::new(code, subject).into()
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What was being done; empty when the refusal says it all.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// What it was done to.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<Code> {
        self.refusal().map(|refusal| refusal.code)
    }

    /// The refusal, when the namespace answered no.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let ErrorKind::Refused(refusal) = &self.kind {
            return Some(refusal);
        }
        None
    }

    /// The same error, about the thing that the caller named instead of an inode or object number.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        if let ErrorKind::Refused(refusal) = &mut self.kind {
            refusal.subject.clone_from(&subject);
        }
        self.subject = subject;
        self
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let subject = refusal.subject.clone();
        Self::new(ErrorKind::Refused(refusal), "", subject)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Refused(refusal) => write!(f, "{refusal}"),
            ErrorKind::Local(_) | ErrorKind::Unreachable(_) => write!(f, "{} {}", self.op, self.subject),
            ErrorKind::Input(why) => write!(f, "{} {}: {why}", self.op, self.subject),
            ErrorKind::Stopped => write!(f, "{} {}: stopped", self.op, self.subject),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Local(source) | ErrorKind::Unreachable(source) => Some(source),
            ErrorKind::Refused(_) | ErrorKind::Input(_) | ErrorKind::Stopped => None,
        }
    }
}
