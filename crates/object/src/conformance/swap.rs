//! Compare-and-swap: no update is lost, and readers see whole versions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Case, Outcome, RACERS, Subject, ensure, race, refused, told};
use crate::{ETag, ErrorKind, Key, Result};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a-register-moves-only-from-the-expected-version",
        check: register,
    },
    Case {
        name: "of-racing-swappers-one-wins",
        check: one_winner,
    },
    Case {
        name: "acknowledged-updates-are-never-lost",
        check: no_lost_update,
    },
    Case {
        name: "readers-see-whole-versions",
        check: whole_versions,
    },
];

/// Versions that the writer of [`whole_versions`] writes.
const VERSIONS: u8 = 40;
/// Updates of each writer of [`no_lost_update`].
const UPDATES: usize = 3;
/// Rounds in which one update may lose before the case gives up: all others together win fewer.
const UPDATE_ATTEMPTS: usize = 4 * RACERS * UPDATES;

fn register(on: &Subject<'_>) -> Outcome {
    let key = on.key("register")?;
    let stale = ETag("\"0123456789abcdef0123456789abcdef\"".to_owned());
    refused(
        on.store.put_if_match(&key, b"zero", Some(&stale)),
        ErrorKind::Precondition,
    )?;
    ensure!(
        told(on.store.head(&key))?.is_none(),
        "a refused swap made the object"
    );
    let one = told(on.store.put_if_match(&key, b"one", None))?;
    refused(
        on.store.put_if_match(&key, b"other", None),
        ErrorKind::Precondition,
    )?;
    let two = told(on.store.put_if_match(&key, b"two, longer", Some(&one)))?;
    ensure!(one != two, "two versions have one tag, {one:?}");
    refused(
        on.store.put_if_match(&key, b"three", Some(&one)),
        ErrorKind::Precondition,
    )?;
    on.holds(&key, b"two, longer")?;
    let (got, head) = (
        told(on.store.get(&key))?.etag,
        told(on.store.head(&key))?.map(|meta| meta.etag),
    );
    ensure!(
        got == two && head == Some(two.clone()),
        "put {two:?}, get {got:?}, head {head:?}"
    );
    told(on.store.delete(std::slice::from_ref(&key)))?;
    refused(
        on.store.put_if_match(&key, b"three", Some(&two)),
        ErrorKind::Precondition,
    )
}

fn one_winner(on: &Subject<'_>) -> Outcome {
    let key = on.given("race", b"start")?;
    let start = told(on.store.get(&key))?.etag;
    let body = |racer: usize| format!("racer {racer}").into_bytes();
    let swaps = race(|racer| on.store.put_if_match(&key, &body(racer), Some(&start)));
    let mut winner = None;
    for (racer, swap) in swaps.into_iter().enumerate() {
        match swap {
            Ok(etag) => {
                ensure!(winner.is_none(), "racers {winner:?} and {racer} won both");
                winner = Some((racer, etag));
            }
            Err(e) => refused::<()>(Err(e), ErrorKind::Precondition)?,
        }
    }
    let (racer, etag) = winner.ok_or("nobody won")?;
    on.holds(&key, &body(racer))?;
    ensure!(
        told(on.store.get(&key))?.etag == etag,
        "the winner was told another tag"
    );
    told(on.store.delete(&[key]))
}

fn no_lost_update(on: &Subject<'_>) -> Outcome {
    let key = on.given("lines", b"")?;
    let acknowledged = race(|racer| -> Result<Vec<String>> {
        let lines: Vec<String> = (0..UPDATES).map(|n| format!("{racer}.{n};")).collect();
        let done = lines
            .iter()
            .map(|line| append(on, &key, line))
            .collect::<Result<Vec<bool>>>()?;
        Ok(lines
            .into_iter()
            .zip(done)
            .filter_map(|(line, done)| done.then_some(line))
            .collect())
    });
    let found = String::from_utf8_lossy(&told(on.store.get(&key))?.bytes).into_owned();
    for lines in acknowledged {
        let lines = told(lines)?;
        ensure!(lines.len() == UPDATES, "a writer never got through");
        for line in lines {
            ensure!(
                found.split_inclusive(';').any(|kept| kept == line),
                "{line} is lost in {found}"
            );
        }
    }
    told(on.store.delete(&[key]))
}

/// Appends a line; whether it got through.
fn append(on: &Subject<'_>, key: &Key, line: &str) -> Result<bool> {
    for _ in 0..UPDATE_ATTEMPTS {
        let mut now = on.store.get(key)?;
        now.bytes.extend_from_slice(line.as_bytes());
        match on.store.put_if_match(key, &now.bytes, Some(&now.etag)) {
            Ok(_) => return Ok(true),
            Err(e) if e.kind == ErrorKind::Precondition => {}
            Err(e) => return Err(e),
        }
    }
    Ok(false)
}

fn whole_versions(on: &Subject<'_>) -> Outcome {
    let body = |version: u8| vec![version; 50_000 + usize::from(version) * 100];
    let key = on.given("versions", &body(0))?;
    let done = AtomicBool::new(false);
    let read = || -> std::result::Result<usize, String> {
        let mut reads = 0;
        while !done.load(Ordering::Acquire) || reads == 0 {
            let bytes = told(on.store.get(&key))?.bytes;
            let version = bytes.first().copied().unwrap_or_default();
            ensure!(
                bytes == body(version),
                "a mixture of versions, {} bytes",
                bytes.len()
            );
            reads += 1;
        }
        Ok(reads)
    };
    let write = || {
        let mut etag = on.store.get(&key)?.etag;
        (1..=VERSIONS).try_for_each(|version| {
            etag = on.store.put_if_match(&key, &body(version), Some(&etag))?;
            Ok(())
        })
    };
    thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        let written = write();
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().map_err(|_| "a reader panicked".to_owned())??;
        }
        told(written)
    })?;
    on.holds(&key, &body(VERSIONS))?;
    told(on.store.delete(&[key]))
}
