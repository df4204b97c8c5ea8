//! From what the SDK and the server say to what the caller does.
//!
//! Invariant: an answer that may hide an effect is `OutcomeUnknown` for calls that change something.

use std::error::Error as StdError;
use std::io;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStreamError;

use crate::{Error, ErrorKind, Op};

/// What the HTTP layer of the SDK answers.
type Response = aws_sdk_s3::config::http::HttpResponse;

/// The error of a request.
pub(crate) fn failed<E>(op: Op, error: SdkError<E, Response>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let kind = match &error {
        SdkError::TimeoutError(_) => op.lost_answer(),
        SdkError::DispatchFailure(_) if never_sent(&error) => ErrorKind::Unavailable,
        SdkError::DispatchFailure(failure) if failure.is_user() => ErrorKind::Invalid,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => op.lost_answer(),
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some() => broken(op),
        // Nothing was sent: the SDK found no credentials, or could not read its own configuration.
        SdkError::DispatchFailure(_) => ErrorKind::Denied,
        SdkError::ConstructionFailure(_) => ErrorKind::Invalid,
        SdkError::ServiceError(refusal) => {
            kind_of_answer(op, refusal.raw().status().as_u16(), refusal.err().code())
        }
        SdkError::ResponseError(broken_answer) => {
            let status = broken_answer.raw().status().as_u16();
            if status < 300 {
                broken(op)
            } else {
                kind_of_answer(op, status, None)
            }
        }
        _ => broken(op),
    };
    // Only the service error itself: the whole chain holds the raw answer.
    match error {
        SdkError::ServiceError(refusal) => Error::new(kind, op).because(refusal.into_err()),
        other => Error::new(kind, op).because(other),
    }
}

/// The error of a body that did not arrive whole.
pub(crate) fn body_failed(op: Op, error: ByteStreamError) -> Error {
    Error::new(broken(op), op).because(error)
}

/// The error of an answer that no store gives.
pub(crate) fn malformed(op: Op, why: &'static str) -> Error {
    Error::new(
        if op.mutates() {
            ErrorKind::OutcomeUnknown
        } else {
            ErrorKind::Misconfigured
        },
        op,
    )
    .because(why)
}

/// The error of one object in a batch.
pub(crate) fn refused_by_code(op: Op, code: Option<&str>, key: Option<&str>) -> Error {
    let kind = code.and_then(kind_of_code).unwrap_or(ErrorKind::Unavailable);
    let error = Error::new(kind, op).because(format!("refused with code {}", code.unwrap_or("none")));
    error.at(key.unwrap_or_default())
}

fn broken(op: Op) -> ErrorKind {
    if op.mutates() {
        ErrorKind::OutcomeUnknown
    } else {
        ErrorKind::Unavailable
    }
}

/// Whether no byte of the request can have reached the store.
fn never_sent(error: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind as Io;
    let mut next = Some(error);
    while let Some(error) = next {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(
            kind,
            Some(Io::ConnectionRefused | Io::HostUnreachable | Io::NetworkUnreachable)
        ) {
            return true;
        }
        next = error.source();
    }
    false
}

fn kind_of_answer(op: Op, status: u16, code: Option<&str>) -> ErrorKind {
    if let Some(kind) = code.and_then(kind_of_code) {
        return kind;
    }
    match status {
        301 | 302 | 307 | 308 => ErrorKind::Misconfigured,
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        408 => op.lost_answer(),
        // 409: two conditional requests met and neither was done.
        409 => ErrorKind::Unavailable,
        412 => ErrorKind::Precondition,
        416 => ErrorKind::OutOfRange,
        429 | 503 => ErrorKind::Throttled,
        501 => ErrorKind::Unsupported,
        507 => ErrorKind::Full,
        500..=599 => broken(op),
        _ => ErrorKind::Invalid,
    }
}

/// Codes that say more than their status.
fn kind_of_code(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed" | "InvalidBucketName" => {
            ErrorKind::Misconfigured
        }
        "BadDigest" | "InvalidDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => {
            ErrorKind::ChecksumMismatch
        }
        "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" => ErrorKind::Denied,
        "SlowDown" | "SlowDownRead" | "SlowDownWrite" | "TooManyRequests" => ErrorKind::Throttled,
        "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" => ErrorKind::Full,
        "NotImplemented" => ErrorKind::Unsupported,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_meaning() {
        use ErrorKind as K;
        let put = |status| kind_of_answer(Op::PutIfAbsent, status, None);
        let get = |status| kind_of_answer(Op::Get, status, None);
        assert_eq!(
            (put(412), put(404), get(416), put(403)),
            (K::Precondition, K::NotFound, K::OutOfRange, K::Denied)
        );
        assert_eq!(
            (put(409), put(503), put(429), put(507)),
            (K::Unavailable, K::Throttled, K::Throttled, K::Full)
        );
        assert_eq!(
            (put(500), get(500), put(504), get(502)),
            (
                K::OutcomeUnknown,
                K::Unavailable,
                K::OutcomeUnknown,
                K::Unavailable
            )
        );
        assert_eq!((put(408), get(408)), (K::OutcomeUnknown, K::Timeout));
        assert_eq!(
            (put(400), put(301), put(501)),
            (K::Invalid, K::Misconfigured, K::Unsupported)
        );
    }

    #[test]
    fn a_missing_bucket_is_not_a_missing_object() {
        assert_eq!(
            kind_of_answer(Op::Get, 404, Some("NoSuchBucket")),
            ErrorKind::Misconfigured
        );
        assert_eq!(
            kind_of_answer(Op::Get, 404, Some("NoSuchKey")),
            ErrorKind::NotFound
        );
    }

    #[test]
    fn damaged_uploads_are_told_from_bad_requests() {
        for code in [
            "BadDigest",
            "XAmzContentChecksumMismatch",
            "XAmzContentSHA256Mismatch",
        ] {
            assert_eq!(
                kind_of_answer(Op::PutIfAbsent, 400, Some(code)),
                ErrorKind::ChecksumMismatch
            );
        }
        let error = refused_by_code(Op::Delete, Some("AccessDenied"), Some("a/b"));
        assert_eq!(
            (error.kind, error.key.as_deref()),
            (ErrorKind::Denied, Some("a/b"))
        );
        assert_eq!(
            refused_by_code(Op::Delete, None, None).kind,
            ErrorKind::Unavailable
        );
    }
}
