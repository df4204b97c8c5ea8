//! How a worker sleeps until it is needed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There is something to do.
    Rung,
    /// The time is over.
    Time,
    /// The thread has to end.
    Stop,
}

/// Rung by those who make work; ringing a bell that rings already costs one load.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    stopped: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that there is something to do.
    pub(crate) fn ring(&self) {
        if !self.rung.load(Ordering::Relaxed) && !self.rung.swap(true, Ordering::AcqRel) {
            let _held = self.lock();
            self.changed.notify_all();
        }
    }

    /// As [`Bell::ring`], and ends a [`Bell::gather`] whose `enough` says so now.
    pub(crate) fn urge(&self) {
        self.rung.store(true, Ordering::Release);
        let _held = self.lock();
        self.changed.notify_all();
    }

    /// Ends the waits for ever.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let _held = self.lock();
        self.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits until the bell rings (and stills it), or for `at_most`.
    pub(crate) fn wait(&self, at_most: Option<Duration>) -> Woken {
        let held = self.lock();
        let idle = |(): &mut ()| !self.rung.load(Ordering::Acquire) && !self.is_stopped();
        let timed_out = if let Some(time) = at_most {
            let waited = self.changed.wait_timeout_while(held, time, idle);
            waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        } else {
            let waited = self.changed.wait_while(held, idle);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            false
        };
        if self.is_stopped() {
            return Woken::Stop;
        }
        if self.rung.swap(false, Ordering::AcqRel) || !timed_out {
            return Woken::Rung;
        }
        Woken::Time
    }

    /// Lets time pass so that work gathers, unless there is `enough`; `false` when the thread has to end.
    pub(crate) fn gather(&self, time: Duration, enough: impl Fn() -> bool) -> bool {
        let held = self.lock();
        let going = |(): &mut ()| !self.is_stopped() && !enough();
        drop(
            self.changed
                .wait_timeout_while(held, time, going)
                .unwrap_or_else(PoisonError::into_inner),
        );
        !self.is_stopped()
    }
}
