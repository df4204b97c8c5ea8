//! The one public error of the crate.
//!
//! Invariant: a kind says what the caller does next; nothing of a secret, a signature or a body is ever kept.

use std::fmt;

use crate::Key;

/// The result of every call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call was refused or could not be answered, and with that what the caller does.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no object of that name. The caller decides what absence means; trying again is useless.
    NotFound,
    /// The object is not in the state that the compare-and-swap expected. Read it again, decide again.
    Precondition,
    /// The bytes that reached the store do not have the checksum sent with them; nothing was stored. A bug or a
    /// damaged memory of the caller: give up on these bytes.
    ChecksumMismatch,
    /// A stored object is damaged: torn, truncated, or with a wrong checksum. Never use it; take another copy.
    Corrupt,
    /// The object is shorter than the range asked for. For an object named by a manifest, treat it as damaged.
    OutOfRange,
    /// The store asks for less load and did nothing. Retry with backoff.
    Throttled,
    /// A call that changes nothing got no answer in time. Retry.
    Timeout,
    /// The store cannot be reached, or said that it did nothing. Retry with backoff.
    Unavailable,
    /// A call that changes something got no answer: it may have happened, or may still happen. Send the same
    /// bytes again, or read the object to learn the truth. Never assume either.
    OutcomeUnknown,
    /// The credentials or the signature were refused. An operator must act.
    Denied,
    /// The request itself is wrong: key, URL, size, option. A bug of the caller or of its configuration.
    Invalid,
    /// Bucket, endpoint, region or format of the store are not what they should be. An operator must act.
    Misconfigured,
    /// This store cannot do that. Use another way; it will not change.
    Unsupported,
    /// No space or quota left; nothing was stored. Free space, then try again.
    Full,
    /// The local file system failed. Treat the disk as broken: stop, and let recovery decide.
    Io,
}

impl ErrorKind {
    /// Whether the same call with the same bytes may be sent again and can succeed.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::Throttled | Self::Timeout | Self::Unavailable | Self::OutcomeUnknown
        )
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotFound => "no such object",
            Self::Precondition => "object is not in the expected state",
            Self::ChecksumMismatch => "bytes do not match the checksum sent with them",
            Self::Corrupt => "stored object is damaged",
            Self::OutOfRange => "object is shorter than the range asked for",
            Self::Throttled => "store asks for less load",
            Self::Timeout => "no answer in time",
            Self::Unavailable => "store cannot be reached",
            Self::OutcomeUnknown => "no answer; the change may or may not have happened",
            Self::Denied => "access denied",
            Self::Invalid => "invalid request",
            Self::Misconfigured => "store is not configured as expected",
            Self::Unsupported => "not supported by this store",
            Self::Full => "no space left in the store",
            Self::Io => "local file system error",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The call that went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Opening a store, or making a key.
    Open,
    /// [`crate::ObjectStore::put_if_absent`] and its batch form.
    PutIfAbsent,
    /// [`crate::ObjectStore::put_if_match`].
    PutIfMatch,
    /// [`crate::ObjectStore::get`].
    Get,
    /// [`crate::ObjectStore::get_range`].
    GetRange,
    /// [`crate::ObjectStore::head`].
    Head,
    /// [`crate::ObjectStore::delete`].
    Delete,
    /// [`crate::ObjectStore::list`].
    List,
    /// [`crate::ObjectStore::sign`].
    Sign,
}

impl Op {
    /// Whether the call changes the store, so that a missing answer leaves the outcome unknown.
    pub fn mutates(self) -> bool {
        matches!(self, Self::PutIfAbsent | Self::PutIfMatch | Self::Delete)
    }

    /// The kind of an answer that did not arrive.
    pub fn lost_answer(self) -> ErrorKind {
        if self.mutates() {
            ErrorKind::OutcomeUnknown
        } else {
            ErrorKind::Timeout
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::PutIfAbsent => "put-if-absent",
            Self::PutIfMatch => "put-if-match",
            Self::Get => "get",
            Self::GetRange => "get-range",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Sign => "sign",
        })
    }
}

/// What went wrong, in which call, on which object.
#[derive(Debug, thiserror::Error)]
#[error("{op}{}: {kind}{}", joined(" ", key.as_ref()), joined(": ", advice.as_ref()))]
pub struct Error {
    /// What the caller does about it.
    pub kind: ErrorKind,
    /// The call.
    pub op: Op,
    /// The object, prefix or place, when there is one.
    pub key: Option<String>,
    /// The store, which part of it is wrong, and what to do: one sentence for the operator, without any secret.
    /// Only where an operator can do something.
    pub advice: Option<String>,
    /// What lies under it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a call as a whole.
    pub fn new(kind: ErrorKind, op: Op) -> Self {
        Self {
            kind,
            op,
            key: None,
            advice: None,
            source: None,
        }
    }

    /// The same error, naming the object.
    #[must_use]
    pub fn on(mut self, key: &Key) -> Self {
        self.key = Some(key.as_str().to_owned());
        self
    }

    /// The same error, naming a prefix, path or URL that is not a key.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.key = Some(place.into());
        self
    }

    /// The same error with a sentence for the operator.
    #[must_use]
    pub fn advise(mut self, sentence: impl Into<String>) -> Self {
        self.advice = Some(sentence.into());
        self
    }

    /// The same error with what caused it: another error, or a sentence.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same call with the same bytes may be sent again and can succeed.
    pub fn retryable(&self) -> bool {
        self.kind.retryable()
    }
}

/// A part of a message, behind what joins it to the rest; nothing when there is none.
fn joined(with: &str, part: Option<&String>) -> String {
    part.map_or_else(String::new, |part| format!("{with}{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_call_object_and_kind_and_keeps_its_cause() {
        let key = Key::new("meta/HEAD").unwrap();
        let error = Error::new(ErrorKind::Precondition, Op::PutIfMatch)
            .on(&key)
            .because("tag moved");
        assert_eq!(
            error.to_string(),
            "put-if-match meta/HEAD: object is not in the expected state"
        );
        assert_eq!(
            std::error::Error::source(&error).unwrap().to_string(),
            "tag moved"
        );
        assert_eq!(
            Error::new(ErrorKind::Invalid, Op::Open).to_string(),
            "open: invalid request"
        );
    }

    #[test]
    fn only_kinds_that_can_heal_by_themselves_are_retryable() {
        use ErrorKind as K;
        for kind in [K::Throttled, K::Timeout, K::Unavailable, K::OutcomeUnknown] {
            assert!(kind.retryable(), "{kind:?}");
        }
        for kind in [
            K::NotFound,
            K::Precondition,
            K::ChecksumMismatch,
            K::Corrupt,
            K::OutOfRange,
            K::Denied,
        ] {
            assert!(!kind.retryable(), "{kind:?}");
        }
        for kind in [K::Invalid, K::Misconfigured, K::Unsupported, K::Full, K::Io] {
            assert!(!kind.retryable(), "{kind:?}");
        }
    }

    #[test]
    fn a_lost_answer_is_unknown_only_where_something_changes() {
        assert_eq!(Op::PutIfAbsent.lost_answer(), ErrorKind::OutcomeUnknown);
        assert_eq!(Op::Delete.lost_answer(), ErrorKind::OutcomeUnknown);
        assert_eq!(Op::Get.lost_answer(), ErrorKind::Timeout);
    }
}
