//! A small runtime for the SDK, hidden behind calls that block.
//!
//! Invariant: the future runs on the runtime's own threads and the caller waits on a channel, so a caller that
//! happens to be a worker of another runtime blocks, but does not panic.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime;

use crate::{Error, ErrorKind, Op, Result};

/// Requests are moved by the kernel; two threads keep up with more than a node's network.
const RUNTIME_THREADS: usize = 2;

#[derive(Debug)]
pub(crate) struct Runtime {
    /// `None` only while being dropped.
    inner: Option<runtime::Runtime>,
}

impl Runtime {
    pub(crate) fn start() -> Result<Self> {
        let mut builder = runtime::Builder::new_multi_thread();
        builder
            .worker_threads(RUNTIME_THREADS)
            .thread_name("nokv-s3")
            .enable_all();
        let inner = builder
            .build()
            .map_err(|e| Error::new(ErrorKind::Unavailable, Op::Open).because(e))?;
        Ok(Self { inner: Some(inner) })
    }

    /// Runs to its end or to its time.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        op: Op,
        limit: Duration,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let gone = || Error::new(op.lost_answer(), op).because("the runtime of the store has ended");
        let (answer, answered) = mpsc::sync_channel(1);
        self.inner.as_ref().ok_or_else(gone)?.spawn(async move {
            let done = tokio::time::timeout(limit, work).await;
            // Nobody waits any more only when the waiting thread was killed.
            let _ = answer.send(done);
        });
        match answered.recv() {
            Ok(Ok(done)) => done,
            Ok(Err(elapsed)) => Err(Error::new(op.lost_answer(), op).because(elapsed)),
            Err(_) => Err(gone()),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            // Waiting here could wait for a name lookup; all answers were taken or are of no use any more.
            inner.shutdown_background();
        }
    }
}
