//! Where one caller waits for its answers.

use nokv_types::{Answer, Code, Refusal};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;

/// Looks at the signal before the thread parks; a few hundred ns, less than a wake costs.
const SPINS: u32 = 64;

const NONE: u8 = 0;
const COMMIT: u8 = 1;
const SYNC: u8 = 2;
const DONE: u8 = 3;

/// Why a waiting caller is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The commit role is free and somebody waits: try to take it.
    Commit,
    /// The lead of the syncs is this caller's now.
    Sync,
    /// The answers are there.
    Done,
}

/// One waiting caller. `Done` is the last signal it gets.
#[derive(Debug)]
pub(crate) struct Slot {
    thread: Thread,
    signal: AtomicU8,
    answers: Mutex<Vec<Answer>>,
}

impl Slot {
    pub(crate) fn of_this_thread() -> Self {
        Self {
            thread: std::thread::current(),
            signal: AtomicU8::new(NONE),
            answers: Mutex::new(Vec::new()),
        }
    }

    /// Waits for the next signal.
    pub(crate) fn wait(&self) -> Signal {
        let mut spins = 0;
        loop {
            match self.signal.load(Ordering::Acquire) {
                NONE if spins < SPINS => {
                    spins += 1;
                    std::hint::spin_loop();
                }
                NONE => std::thread::park(),
                DONE => return Signal::Done,
                seen => {
                    // Another signal may have replaced it: then that one counts.
                    let taken = self
                        .signal
                        .compare_exchange(seen, NONE, Ordering::AcqRel, Ordering::Acquire);
                    match (taken, seen) {
                        (Ok(_), COMMIT) => return Signal::Commit,
                        (Ok(_), _) => return Signal::Sync,
                        (Err(_), _) => {}
                    }
                }
            }
        }
    }

    /// Asks the caller to try for the commit role.
    pub(crate) fn nominate(&self) {
        let idle = self
            .signal
            .compare_exchange(NONE, COMMIT, Ordering::AcqRel, Ordering::Acquire);
        if idle.is_ok() {
            self.thread.unpark();
        }
    }

    /// Gives the caller the lead of the syncs.
    pub(crate) fn lead(&self) {
        self.signal.store(SYNC, Ordering::Release);
        self.thread.unpark();
    }

    /// Leaves the answers; the caller gets them with [`Slot::finish`].
    pub(crate) fn set_answers(&self, answers: Vec<Answer>) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    /// Ends the wait.
    pub(crate) fn finish(&self) {
        self.signal.store(DONE, Ordering::Release);
        self.thread.unpark();
    }

    /// Whether the wait has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.signal.load(Ordering::Acquire) == DONE
    }

    /// The answers to `commands` commands.
    pub(crate) fn take_answers(&self, commands: usize) -> Vec<Answer> {
        let mut answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        // Whatever went wrong, nobody is told less than that the outcome is open.
        answers.resize_with(commands, || Err(unknown()));
        answers
    }
}

/// The answer of a command that may or may not survive.
pub(crate) fn unknown() -> Refusal {
    Refusal::new(Code::OutcomeUnknown, "the command").detail("the engine stopped before it could answer")
}
