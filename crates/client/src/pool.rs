//! A few threads that hash, upload and fetch, and the tickets under which their results are picked up.
//!
//! Owns: the threads and their bounded queue. Must not know: what the jobs do.
//!
//! Invariants: a job never queues a job, so a full queue only makes callers wait; dropping the pool lets every
//! queued job finish.

use crate::{Error, ErrorKind, Result};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Most threads of one pool.
pub(crate) const THREADS_MAX: usize = 32;

type Job = Box<dyn FnOnce() + Send>;

/// The threads.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `threads` threads (at least one, at most [`THREADS_MAX`]).
    pub(crate) fn start(threads: usize) -> Self {
        let count = threads.clamp(1, THREADS_MAX);
        let (queue, jobs) = sync_channel::<Job>(count);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = (0..count).filter_map(|index| {
            let jobs = Arc::clone(&jobs);
            let name = format!("nokv-body-{index}");
            std::thread::Builder::new()
                .name(name)
                .spawn(move || work(&jobs))
                .ok()
        });
        Self {
            queue: Some(queue),
            threads: threads.collect(),
        }
    }

    /// Queues a job; waits while the queue is full.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Ticket<T> {
        let (answer, ticket) = sync_channel(1);
        let boxed: Job = Box::new(move || {
            let _receiver_may_be_gone = answer.send(job());
        });
        if let Some(queue) = &self.queue
            && !self.threads.is_empty()
            && let Err(unsent) = queue.send(boxed)
        {
            (unsent.0)();
        }
        Ticket(ticket)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _a_panicked_job_was_reported_by_its_ticket = thread.join();
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

/// The claim on the result of a job.
#[derive(Debug)]
pub(crate) struct Ticket<T>(Receiver<Result<T>>);

impl<T> Ticket<T> {
    /// Waits for the result.
    pub(crate) fn wait(self) -> Result<T> {
        self.0.recv().unwrap_or_else(|_| {
            let gone = std::io::Error::other("the thread that did it ended");
            Err(Error::new(ErrorKind::Local(gone), "wait for", "a body job"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_back_under_their_tickets_in_any_order() {
        let pool = Pool::start(3);
        let tickets: Vec<_> = (0..50_u32).map(|n| pool.run(move || Ok(n * 2))).collect();
        let results: Vec<u32> = tickets.into_iter().rev().map(|t| t.wait().unwrap()).collect();
        assert_eq!(results, (0..50).rev().map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_job_that_panics_is_an_error_and_does_not_hang_the_caller() {
        let pool = Pool::start(2);
        let broken = pool.run::<()>(|| panic!("on purpose"));
        assert!(broken.wait().is_err());
        assert_eq!(pool.run(|| Ok(7)).wait().unwrap(), 7);
    }
}
