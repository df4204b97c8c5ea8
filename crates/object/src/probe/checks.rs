//! The promises of the store itself.

use std::thread;

use super::{Check, PROBE_RACERS, Probe, Tried};
use crate::{ErrorKind, Key, PutOutcome};

fn told<T>(answer: crate::Result<T>) -> Result<T, String> {
    answer.map_err(|e| {
        let cause = e
            .source
            .as_ref()
            .map_or_else(String::new, |cause| format!(" ({cause})"));
        format!("{e}{cause}")
    })
}

fn create(on: &Probe<'_>, key: &Key, bytes: &[u8]) -> Result<PutOutcome, String> {
    told(on.store.put_if_absent(key, bytes, crc32c::crc32c(bytes)))
}

fn holds(on: &Probe<'_>, key: &Key, bytes: &[u8], otherwise: &str) -> Tried {
    if told(on.store.get(key))?.bytes == bytes {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

pub(super) fn read_after_write(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::ReadAfterWrite);
    create(on, &key, b"written")?;
    holds(on, &key, b"written", "other bytes came back than were written")?;
    match told(on.store.head(&key))? {
        Some(meta) if meta.size_bytes == 7 => Ok(()),
        found => Err(format!("head does not show what was written: {found:?}")),
    }
}

pub(super) fn create_only(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::CreateOnly);
    create(on, &key, b"first")?;
    let second = create(on, &key, b"second")?;
    holds(
        on,
        &key,
        b"first",
        "an existing object was overwritten: If-None-Match is ignored",
    )?;
    match second {
        PutOutcome::AlreadyExists => Ok(()),
        PutOutcome::Created => Err("creating an existing object was answered as done".to_owned()),
    }
}

pub(super) fn one_winner(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::OneWinner);
    let body = |racer: usize| format!("racer {racer:02}").into_bytes();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let (key, body) = (&key, &body);
        let racers: Vec<_> = (0..PROBE_RACERS)
            .map(|racer| scope.spawn(move || create(on, key, &body(racer))))
            .collect();
        racers
            .into_iter()
            .flat_map(thread::ScopedJoinHandle::join)
            .collect()
    });
    let mut winners = Vec::new();
    for (racer, outcome) in outcomes.into_iter().enumerate() {
        if outcome? == PutOutcome::Created {
            winners.push(racer);
        }
    }
    match winners.as_slice() {
        [winner] => holds(
            on,
            &key,
            &body(*winner),
            "the object holds the bytes of one that lost",
        ),
        _ => Err(format!("{} of {PROBE_RACERS} racing creators won", winners.len())),
    }
}

pub(super) fn swap(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::Swap);
    let one = told(on.store.put_if_match(&key, b"one", None))?;
    let two = told(on.store.put_if_match(&key, b"two", Some(&one)))?;
    if one == two {
        return Err("two versions have the same tag".to_owned());
    }
    holds(
        on,
        &key,
        b"two",
        "a swap that was answered as done did not happen",
    )
}

pub(super) fn stale_swap(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::StaleSwap);
    let one = told(on.store.put_if_match(&key, b"one", None))?;
    told(on.store.put_if_match(&key, b"two", Some(&one)))?;
    match on.store.put_if_match(&key, b"three", Some(&one)) {
        Err(e) if e.kind == ErrorKind::Precondition => {}
        Err(e) => return told(Err(e)),
        Ok(_) => return Err("a swap from an old version was done: If-Match is ignored".to_owned()),
    }
    holds(on, &key, b"two", "a refused swap changed the object")
}

pub(super) fn range(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::Range);
    create(on, &key, b"0123456789")?;
    let got = told(on.store.get_range(&key, 3, 4))?;
    if got == b"3456" {
        Ok(())
    } else {
        Err(format!("4 bytes from 3 are {} other bytes", got.len()))
    }
}

pub(super) fn checksum(on: &Probe<'_>) -> Tried {
    let key = on.key(Check::Checksum);
    match on
        .store
        .put_if_absent(&key, b"what arrived", crc32c::crc32c(b"what was meant"))
    {
        Err(e) if e.kind == ErrorKind::ChecksumMismatch => {}
        Err(e) => return told(Err(e)),
        Ok(_) => return Err("bytes with a wrong checksum were stored".to_owned()),
    }
    match told(on.store.head(&key))? {
        None => Ok(()),
        Some(_) => Err("refused bytes were stored".to_owned()),
    }
}
