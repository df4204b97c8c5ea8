//! Many puts at once on a few threads.

use std::thread;

use crate::{ObjectStore, Put, PutOutcome, Result};

/// Threads of one call. With 8 puts in flight a directory store publishes 4 MiB blocks as fast as one long
/// write and sync of the same bytes; more gain nothing.
const PUT_MANY_THREADS: usize = 8;

/// One [`ObjectStore::put_if_absent`] per member; answers in the order of `puts`.
pub(crate) fn put_many(store: &dyn ObjectStore, puts: &[Put<'_>]) -> Vec<Result<PutOutcome>> {
    let threads = PUT_MANY_THREADS.min(puts.len());
    let put_one = |put: &Put<'_>| store.put_if_absent(put.key, put.bytes, put.crc32c);
    if threads <= 1 {
        return puts.iter().map(put_one).collect();
    }
    let put_every = |first: usize| -> Vec<(usize, Result<PutOutcome>)> {
        let mine = puts.iter().enumerate().skip(first).step_by(threads);
        mine.map(|(index, put)| (index, put_one(put))).collect()
    };
    let mut answers: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || put_every(first)))
            .collect();
        running.into_iter().flat_map(join).collect()
    });
    answers.sort_unstable_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    match thread.join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
