//! The promises of signed URLs.
//!
//! A URL is tried as a client would send it, with the one thing changed that the signature must not allow.

use std::time::Duration;

use super::{Check, HttpAnswer, Probe, Tried};
use crate::{ErrorKind, Key, SignMethod, SignRequest, SignedUrl};

const LIFE: Duration = Duration::from_mins(5);
/// How long ago an expired URL was signed: far above any tolerance for clocks that differ.
const LONG_AGO: Duration = Duration::from_hours(2);
const BODY: &[u8] = b"signed body";
/// As long as [`BODY`], so that only the checksum tells them apart.
const OTHER_BODY: &[u8] = b"forged body";

/// Why signed URLs cannot be tried on this store.
pub(super) fn unsupported(on: &Probe<'_>) -> Option<String> {
    let key = on.key(Check::SignedUrl);
    let request = SignRequest {
        method: SignMethod::Get,
        key: &key,
        now: on.now,
        life: LIFE,
    };
    match on.store.sign(&request) {
        Err(e) if e.kind == ErrorKind::Unsupported => Some("the store signs no urls".to_owned()),
        _ => None,
    }
}

fn sign(on: &Probe<'_>, key: &Key, method: SignMethod, ago: Duration) -> Result<SignedUrl, String> {
    let now = on.now.checked_sub(ago).unwrap_or(on.now);
    let request = SignRequest {
        method,
        key,
        now,
        life: LIFE,
    };
    on.store.sign(&request).map_err(|e| e.to_string())
}

fn put() -> SignMethod {
    SignMethod::Put {
        size_bytes: BODY.len() as u64,
        crc32c: crc32c::crc32c(BODY),
    }
}

fn send(on: &Probe<'_>, signed: &SignedUrl, body: &[u8]) -> Result<HttpAnswer, String> {
    let http = on.http.ok_or("nobody here can send a signed url")?;
    http.send(signed, body)
        .map_err(|e| format!("no answer to a signed url: {e}"))
}

fn refused(what: &str, answer: &HttpAnswer) -> Tried {
    let status = answer.status;
    if (400..500).contains(&status) {
        Ok(())
    } else {
        Err(format!("{what} was answered {status}"))
    }
}

fn absent(on: &Probe<'_>, key: &Key) -> Tried {
    match on.store.head(key) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err("a refused put was done".to_owned()),
        Err(e) => Err(e.to_string()),
    }
}

pub(super) fn honoured(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::SignedUrl);
    let signed = sign(on, &key, put(), Duration::ZERO)?;
    let first = send(on, &signed, BODY)?.status;
    if first != 200 {
        return Err(format!("a signed put was answered {first}"));
    }
    let second = send(on, &signed, BODY)?.status;
    if second != 412 {
        return Err(format!(
            "a second signed put to the same object was answered {second}, not 412"
        ));
    }
    let read = send(on, &sign(on, &key, SignMethod::Get, Duration::ZERO)?, b"")?;
    if read.status != 200 || read.body != BODY {
        return Err(format!(
            "a signed get was answered {} with {} bytes",
            read.status,
            read.body.len()
        ));
    }
    Ok(())
}

pub(super) fn expired(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::SignedUrlExpired);
    let late = sign(on, &key, put(), LONG_AGO)?;
    refused("an expired signed put", &send(on, &late, BODY)?)?;
    absent(on, &key)
}

pub(super) fn other_key(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::SignedUrlOtherKey);
    let mut signed = sign(on, &on.key(Check::SignedUrl), put(), Duration::ZERO)?;
    signed.url = signed.url.replace(
        &format!("/{}?", Check::SignedUrl.name()),
        &format!("/{}?", Check::SignedUrlOtherKey.name()),
    );
    refused("a signed put to another object", &send(on, &signed, BODY)?)?;
    absent(on, &key)
}

pub(super) fn other_bytes(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::SignedUrlOtherBytes);
    let signed = sign(on, &key, put(), Duration::ZERO)?;
    refused("a signed put of other bytes", &send(on, &signed, OTHER_BODY)?)?;
    let mut forged = signed.clone();
    let other = SignMethod::Put {
        size_bytes: OTHER_BODY.len() as u64,
        crc32c: crc32c::crc32c(OTHER_BODY),
    };
    forged.headers = sign(on, &key, other, Duration::ZERO)?.headers;
    refused(
        "a signed put with another checksum",
        &send(on, &forged, OTHER_BODY)?,
    )?;
    let mut bare = signed.clone();
    bare.headers.clear();
    refused("a signed put without its headers", &send(on, &bare, BODY)?)?;
    absent(on, &key)
}
