//! Every kind of error is reached by a call that a caller can make.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nokv_object::dir::DirStore;
use nokv_object::faulty::{Fault, FaultRates, FaultyStore};
use nokv_object::memory::MemoryStore;
use nokv_object::{ErrorKind, Key, ObjectStore, Op, SignMethod, SignRequest, layout, open};

/// All of them; a new kind must be added here and reached below.
const KINDS: [ErrorKind; 15] = [
    ErrorKind::NotFound,
    ErrorKind::Precondition,
    ErrorKind::ChecksumMismatch,
    ErrorKind::Corrupt,
    ErrorKind::OutOfRange,
    ErrorKind::Throttled,
    ErrorKind::Timeout,
    ErrorKind::Unavailable,
    ErrorKind::OutcomeUnknown,
    ErrorKind::Denied,
    ErrorKind::Invalid,
    ErrorKind::Misconfigured,
    ErrorKind::Unsupported,
    ErrorKind::Full,
    ErrorKind::Io,
];

fn of_memory() -> Vec<ErrorKind> {
    let store = MemoryStore::new();
    let key = layout::head();
    let sign = SignRequest {
        method: SignMethod::Get,
        key: &key,
        now: SystemTime::UNIX_EPOCH,
        life: Duration::MAX,
    };
    let mut kinds = vec![
        store.get(&key).unwrap_err().kind,
        store.put_if_absent(&key, b"x", 0).unwrap_err().kind,
        store.sign(&sign).unwrap_err().kind,
        Key::new("..").unwrap_err().kind,
    ];
    store.put_if_match(&key, b"x", None).unwrap();
    kinds.push(store.put_if_match(&key, b"y", None).unwrap_err().kind);
    kinds.push(store.get_range(&key, 1, 1).unwrap_err().kind);
    kinds
}

fn of_faults() -> Vec<ErrorKind> {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()), 1, FaultRates::none());
    let key = layout::head();
    let mut kinds = Vec::new();
    for fault in [
        Fault::Throttle,
        Fault::Unreachable,
        Fault::NoAnswer,
        Fault::Denied,
    ] {
        store.script(Op::Get, fault);
        kinds.push(store.get(&key).unwrap_err().kind);
    }
    for fault in [Fault::NoAnswer, Fault::Full] {
        store.script(Op::PutIfMatch, fault);
        kinds.push(store.put_if_match(&key, b"x", None).unwrap_err().kind);
    }
    kinds
}

fn of_a_directory() -> Vec<ErrorKind> {
    let dir = tempfile::tempdir().unwrap();
    let foreign = open(&format!("dir:{}/..", dir.path().display()))
        .unwrap_err()
        .kind;
    let store = DirStore::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("objects/torn"), b"").unwrap();
    std::os::unix::fs::symlink("loop", dir.path().join("objects/loop")).unwrap();
    let kind = |name: &str| store.get(&Key::new(name).unwrap()).unwrap_err().kind;
    vec![foreign, kind("torn"), kind("loop")]
}

#[test]
fn every_kind_of_error_is_reached() {
    let reached: BTreeSet<String> = [of_memory(), of_faults(), of_a_directory()]
        .concat()
        .iter()
        .map(|kind| format!("{kind:?}"))
        .collect();
    let all: BTreeSet<String> = KINDS.iter().map(|kind| format!("{kind:?}")).collect();
    assert_eq!(reached, all);
}
