//! Reading: ranges, absence, tags, and signed URLs as far as they go without a network.

use std::time::{Duration, SystemTime};

use super::{Case, Outcome, Subject, ensure, refused, told};
use crate::{ErrorKind, OBJECT_BYTES_MAX, SignMethod, SignRequest};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "missing-objects-are-named-missing",
        check: missing,
    },
    Case {
        name: "ranges-are-exact",
        check: ranges,
    },
    Case {
        name: "ranges-past-the-end-are-refused",
        check: past_the_end,
    },
    Case {
        name: "tags-agree-between-calls",
        check: tags,
    },
    Case {
        name: "signing-is-refused-or-gives-a-hidden-url",
        check: signing,
    },
];

fn missing(on: &Subject<'_>) -> Outcome {
    let key = on.key("missing")?;
    refused(on.store.get(&key), ErrorKind::NotFound)?;
    refused(on.store.get_range(&key, 0, 1), ErrorKind::NotFound)?;
    ensure!(told(on.store.head(&key))?.is_none(), "head found something");
    Ok(())
}

fn ranges(on: &Subject<'_>) -> Outcome {
    let bytes: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
    let key = on.given("ranges", &bytes)?;
    for (offset, len) in [
        (0, 1),
        (0, 100_000),
        (1, 4096),
        (4095, 4097),
        (65_535, 2),
        (99_999, 1),
    ] {
        let got = told(on.store.get_range(&key, offset, len))?;
        let wanted = &bytes[offset as usize..(offset + len) as usize];
        ensure!(
            got == wanted,
            "{len} bytes from {offset}: {} other bytes",
            got.len()
        );
    }
    told(on.store.delete(&[key]))
}

fn past_the_end(on: &Subject<'_>) -> Outcome {
    let key = on.given("short", b"0123456789")?;
    for (offset, len) in [(0, 11), (9, 2), (10, 1), (11, 1), (1 << 40, 1), (u64::MAX, 1)] {
        let answer = on.store.get_range(&key, offset, len);
        refused(answer, ErrorKind::OutOfRange).map_err(|how| format!("{len} bytes from {offset}: {how}"))?;
    }
    refused(on.store.get_range(&key, 0, 0), ErrorKind::Invalid)?;
    refused(
        on.store.get_range(&key, 0, OBJECT_BYTES_MAX as u64 + 1),
        ErrorKind::Invalid,
    )?;
    let empty = on.given("empty", b"")?;
    refused(on.store.get_range(&empty, 0, 1), ErrorKind::OutOfRange)?;
    told(on.store.delete(&[key, empty]))
}

fn tags(on: &Subject<'_>) -> Outcome {
    let (one, two) = (on.given("one", b"one")?, on.given("two", b"two")?);
    let get = told(on.store.get(&one))?.etag;
    let head = told(on.store.head(&one))?.map(|meta| meta.etag);
    ensure!(head.as_ref() == Some(&get), "get {get:?}, head {head:?}");
    ensure!(
        told(on.store.get(&one))?.etag == get,
        "the tag changes by reading"
    );
    ensure!(
        told(on.store.get(&two))?.etag != get,
        "other bytes have the same tag {get:?}"
    );
    told(on.store.delete(&[one, two]))
}

fn signing(on: &Subject<'_>) -> Outcome {
    let key = on.key("signed")?;
    let request = |life| SignRequest {
        method: SignMethod::Get,
        key: &key,
        now: SystemTime::UNIX_EPOCH,
        life,
    };
    match on.store.sign(&request(Duration::from_mins(1))) {
        Err(e) => refused::<()>(Err(e), ErrorKind::Unsupported),
        Ok(signed) => {
            ensure!(signed.url.contains("signed?"), "the url does not name the object");
            let shown = format!("{signed:?}");
            let hidden = signed
                .url
                .split_once('?')
                .is_none_or(|(_, permission)| !shown.contains(permission));
            ensure!(hidden, "debug shows the permission");
            refused(on.store.sign(&request(Duration::ZERO)), ErrorKind::Invalid)?;
            refused(
                on.store.sign(&request(Duration::from_hours(24 * 8))),
                ErrorKind::Invalid,
            )
        }
    }
}
