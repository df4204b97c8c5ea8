//! Reading what may stay silent: a pipe, a terminal, a device.
//!
//! Must not know: what is read. Invariant: a wait ends soon after the wish to stop, whether anything comes or not.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a wait looks whether a signal came; a signal usually ends the wait by itself.
const LOOK_NS: i64 = 100_000_000;

/// Waits until a read of `from` has an answer; answers whether to read, not to stop.
///
/// What is wrong with `from` is told by reading of it.
pub(crate) fn wait(from: &impl AsFd, stopping: impl Fn() -> bool) -> bool {
    let look = Timespec {
        tv_sec: 0,
        tv_nsec: LOOK_NS,
    };
    while !stopping() {
        let mut waits = [PollFd::new(from, PollFlags::IN)];
        match poll(&mut waits, Some(&look)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
    false
}

/// A file whose reads end when the user asks to stop, with an error.
pub(crate) struct Waiting {
    file: File,
    stop: Arc<AtomicBool>,
}

impl Waiting {
    pub(crate) fn new(file: File, stop: Arc<AtomicBool>) -> Self {
        Self { file, stop }
    }

    /// Standard input, from where it stands.
    pub(crate) fn stdin(stop: Arc<AtomicBool>) -> io::Result<Self> {
        // Not `io::Stdin`: what its buffer holds would be waited for.
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self::new(file, stop))
    }
}

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if wait(&self.file, || self.stop.load(Ordering::Relaxed)) {
            return self.file.read(buffer);
        }
        Err(io::Error::other("asked to stop"))
    }
}
