//! What every store must do, as one suite: run it on each implementation, and on a real server.
//!
//! Must not know the store: only the trait. Every case works under a prefix of its own and leaves nothing that
//! another case could see, so that a bucket in use can be tested.
//!
//! Invariant: a store that breaks a promise of [`crate::ObjectStore`] fails a case that names the promise.

mod create;
mod cursor;
mod read;
mod swap;

use std::fmt;
use std::thread;

use crate::{ErrorKind, Key, ObjectStore, PutOutcome, Result};

/// Writers that race for one key.
pub const RACERS: usize = 16;

/// The store under test, and the part of it that a case may use.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The store.
    pub store: &'a dyn ObjectStore,
    /// Keeps runs on one store apart.
    pub nonce: u64,
    case: &'static str,
}

/// One promise.
#[derive(Clone, Copy)]
pub struct Case {
    /// The promise, as the name of a test.
    pub name: &'static str,
    check: fn(&Subject<'_>) -> Outcome,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `Err` says how the promise was broken.
pub(crate) type Outcome = std::result::Result<(), String>;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub case: &'static str,
    /// How.
    pub how: String,
}

/// Every promise.
pub fn cases() -> Vec<Case> {
    [create::CASES, swap::CASES, read::CASES, cursor::CASES].concat()
}

/// Checks every promise and names the broken ones; an empty answer is what a store wants.
pub fn run(store: &dyn ObjectStore, nonce: u64) -> Vec<Broken> {
    let check = |case: Case| {
        let subject = Subject {
            store,
            nonce,
            case: case.name,
        };
        (case.check)(&subject)
            .err()
            .map(|how| Broken { case: case.name, how })
    };
    cases().into_iter().filter_map(check).collect()
}

/// Ends the case when something is not so.
macro_rules! ensure {
    ($so:expr, $($how:tt)+) => {
        if !$so {
            return Err(format!($($how)+));
        }
    };
}
use ensure;

impl Subject<'_> {
    fn prefix(&self) -> String {
        format!("meta/conformance/{:016x}/{}/", self.nonce, self.case)
    }

    fn key(&self, name: &str) -> std::result::Result<Key, String> {
        told(Key::new(format!("{}{name}", self.prefix())))
    }

    fn create(&self, key: &Key, bytes: &[u8]) -> Result<PutOutcome> {
        self.store.put_if_absent(key, bytes, crc32c::crc32c(bytes))
    }

    /// Creates an object that must not be there.
    fn given(&self, name: &str, bytes: &[u8]) -> std::result::Result<Key, String> {
        let key = self.key(name)?;
        let outcome = told(self.create(&key, bytes))?;
        ensure!(
            outcome == PutOutcome::Created,
            "{key:?} was there before the case began"
        );
        Ok(key)
    }

    fn holds(&self, key: &Key, bytes: &[u8]) -> Outcome {
        let found = told(self.store.get(key))?.bytes;
        ensure!(found == bytes, "{key:?} holds {} other bytes", found.len());
        Ok(())
    }
}

fn told<T>(answer: Result<T>) -> std::result::Result<T, String> {
    answer.map_err(|e| format!("{e}: {:?}", e.source))
}

/// Ends the case unless the call was refused in this way.
fn refused<T: fmt::Debug>(answer: Result<T>, kind: ErrorKind) -> Outcome {
    match answer {
        Err(e) if e.kind == kind => Ok(()),
        other => Err(format!("{kind:?} was expected, not {other:?}")),
    }
}

/// Runs the same on [`RACERS`] threads that start together; answers in the order of the threads.
fn race<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(RACERS);
    thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let run = |racer| {
            scope.spawn(move || {
                start.wait();
                work(racer)
            })
        };
        let running: Vec<_> = (0..RACERS).map(run).collect();
        running
            .into_iter()
            .flat_map(thread::ScopedJoinHandle::join)
            .collect()
    })
}
