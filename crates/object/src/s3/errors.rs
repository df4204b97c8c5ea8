//! From what the SDK and the server say to what the caller does.
//!
//! Invariant: an answer that may hide an effect is `OutcomeUnknown` for calls that change something.

use std::error::Error as StdError;
use std::io;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStreamError;

use crate::{Error, ErrorKind, Op};

/// What an operator is told of a server that says nothing.
pub(crate) const NO_ANSWER: &str =
    "the server does not answer in time; check the endpoint, the network and the server";
/// A code that is longer is not repeated.
const CODE_BYTES_MAX: usize = 64;

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
    let advice = advice_for(&error, kind);
    // Only the service error itself: the whole chain holds the raw answer.
    let told = match error {
        SdkError::ServiceError(refusal) => Error::new(kind, op).because(refusal.into_err()),
        other => Error::new(kind, op).because(other),
    };
    Error { advice, ..told }
}

/// What an operator is told; nothing where the object and not the store is the matter.
fn advice_for<E>(error: &SdkError<E, Response>, kind: ErrorKind) -> Option<String>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(refusal) => {
            advice_of_code(refusal.err().code(), kind, refusal.raw().status().as_u16())
        }
        SdkError::TimeoutError(_) => Some(NO_ANSWER.to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Some(NO_ANSWER.to_owned()),
        SdkError::DispatchFailure(_) if kind == ErrorKind::Denied => Some(
            "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile in \
             AWS_PROFILE"
                .to_owned(),
        ),
        SdkError::DispatchFailure(_) => Some(format!(
            "the server cannot be reached ({}); check the endpoint, and that a server runs there",
            root_cause(error)
        )),
        _ => None,
    }
}

fn advice_of_code(code: Option<&str>, kind: ErrorKind, status: u16) -> Option<String> {
    let shown =
        code.filter(|code| code.len() <= CODE_BYTES_MAX && code.bytes().all(|b| b.is_ascii_alphanumeric()));
    let shown = shown.map_or_else(|| format!("status {status}"), str::to_owned);
    let sentence = match (code, kind) {
        (Some("NoSuchBucket" | "InvalidBucketName"), _) => {
            "there is no such bucket; make it, or correct the name in the URL"
        }
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) | (_, ErrorKind::Misconfigured) => {
            "the bucket is in another region or at another server; correct region or endpoint in the URL"
        }
        (Some("InvalidAccessKeyId"), _) => {
            "the server does not know this access key; check AWS_ACCESS_KEY_ID or the profile"
        }
        (Some("SignatureDoesNotMatch"), _) => {
            "the secret key is not the one of the access key; check AWS_SECRET_ACCESS_KEY or the profile"
        }
        (Some("ExpiredToken"), _) => "the credentials have expired; fetch new ones",
        (_, ErrorKind::Denied) => {
            "the credentials are not allowed to do this; they need to list the bucket and to get, put and delete \
             objects in it"
        }
        (_, ErrorKind::Full) => "the store is full; free space there, or raise its quota",
        _ => return None,
    };
    Some(format!("{sentence} ({shown})"))
}

/// The text of the innermost error.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
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
