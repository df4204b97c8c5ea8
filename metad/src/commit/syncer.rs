//! The thread that syncs the log when no caller does: for what was only applied, and beside large batches.

use crate::engine::Core;
use crate::options::APPLIED_SYNC_WITHIN;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

/// Idle time after which the log writes down how far it is durable.
const NOTE_AFTER: Duration = Duration::from_secs(1);

/// How the thread is told what to do.
#[derive(Debug, Default)]
pub(crate) struct Syncer {
    thread: OnceLock<Thread>,
    now: AtomicBool,
    soon: AtomicBool,
    stop: AtomicBool,
}

impl Syncer {
    /// Syncs at once; answers whether there is a thread that does.
    pub(crate) fn kick(&self) -> bool {
        let Some(thread) = self.thread.get() else {
            return false;
        };
        self.now.store(true, Ordering::Release);
        thread.unpark();
        true
    }

    /// Syncs within [`APPLIED_SYNC_WITHIN`].
    pub(crate) fn soon(&self) {
        if !self.soon.load(Ordering::Relaxed)
            && !self.soon.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The thread's work.
    pub(crate) fn run(core: &Arc<Core>) {
        let this = &core.syncer;
        let _ = this.thread.set(std::thread::current());
        let within = APPLIED_SYNC_WITHIN.as_nanos() as u64;
        let note_after = NOTE_AFTER.as_nanos() as u64;
        // When the log is to note how far it is durable; `None` = it has.
        let (mut due, mut note_due) = (None, None);
        while !this.stop.load(Ordering::Acquire) && !core.has_failed() {
            let now_ns = core.clocks.boottime_ns();
            if this.now.swap(false, Ordering::AcqRel) || due.is_some_and(|due| now_ns >= due) {
                // Cleared first: what is applied from here on asks again.
                this.soon.store(false, Ordering::Release);
                due = None;
                if let Err(error) = core.sync.sync() {
                    core.fail(&error.into());
                }
                note_due = Some(core.clocks.boottime_ns() + note_after);
                continue;
            }
            if due.is_none() && this.soon.load(Ordering::Acquire) {
                due = Some(now_ns + within);
            }
            // A park may end early: what was asked for while this thread was awake leaves a token behind.
            match (due, note_due) {
                (Some(due), _) => park_until(due, now_ns),
                (None, Some(note)) if now_ns < note => park_until(note, now_ns),
                (None, Some(_)) => {
                    note_due = None;
                    // A full disk only leaves the older note.
                    if let Err(error) = core.upkeep.note_durable()
                        && error.kind != nokv_journal::ErrorKind::Full
                    {
                        core.fail(&error.into());
                    }
                }
                (None, None) => std::thread::park(),
            }
        }
    }
}

fn park_until(due_ns: u64, now_ns: u64) {
    std::thread::park_timeout(Duration::from_nanos(due_ns.saturating_sub(now_ns)));
}
