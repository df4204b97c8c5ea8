//! Every error code: its name, its exit code, what it means, what to do. docs/errors.md is made of it.
//!
//! Invariants: a number and a name stand for one thing and are never used again; numbers from 900 on belong to
//! the command, those below to the namespace.

mod actions;
#[cfg(test)]
mod page;

use crate::advice::next_command;
use nokv_types::{Code, Retry};

/// The namespace answered no.
pub(crate) const EXIT_REFUSED: u8 = 1;
/// The arguments or the configuration make no sense.
pub(crate) const EXIT_USAGE: u8 = 2;
/// What is stored is not what was written: damaged bodies or rows.
pub(crate) const EXIT_DAMAGED: u8 = 3;
/// The input (an archive) is damaged or breaks a rule.
pub(crate) const EXIT_INPUT: u8 = 65;
/// Reading or writing failed.
pub(crate) const EXIT_IO: u8 = 74;
/// Not now: somebody else holds it, or a queue is full. The same command may work later.
pub(crate) const EXIT_LATER: u8 = 75;
/// Interrupted by SIGINT; the namespace is consistent.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;
/// Ended by SIGTERM; the namespace is consistent.
pub(crate) const EXIT_TERMINATED: u8 = 143;

/// An error of the command itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    number: u16,
    name: &'static str,
    exit: u8,
    meaning: &'static str,
    action: &'static str,
}

macro_rules! own {
    ($($name:ident = $number:literal, $label:literal, $exit:ident, $meaning:literal, $action:literal;)*) => {
        $(pub(crate) const $name: Own = Own {
            number: $number, name: $label, exit: $exit, meaning: $meaning, action: $action,
        };)*
        const OWN: &[Own] = &[$($name,)*];
    };
}

own! {
    USAGE = 900, "Usage", EXIT_USAGE, "the arguments or the configuration make no sense",
        "The message names the argument. `nokv help VERB` shows what a verb takes.";
    BAD_ARCHIVE = 901, "BadArchive", EXIT_INPUT, "the archive is damaged or breaks a rule",
        "The message names the entry and the rule. Nothing was imported; make the archive again, or fetch it again.";
    DAMAGED = 902, "Damaged", EXIT_DAMAGED, "a check found damage",
        "The findings stand above the message. `nokv fsck --repair` makes derived rows right; a damaged body comes \
         back from a snapshot or by publishing it again.";
    LOCAL_IO = 903, "LocalIo", EXIT_IO, "a local file could not be read or written",
        "The message names the file and what the system said.";
    DECLINED = 904, "Declined", EXIT_REFUSED, "the user said no",
        "Nothing was changed. `--yes` does it without asking, `--dry-run` says what would be done.";
    UNREACHABLE = 905, "Unreachable", EXIT_LATER, "the namespace or its object store could not be reached",
        "Check the endpoint in the store's URL, the network, and that the server runs; then run the command again.";
    INTERRUPTED = 906, "Interrupted", EXIT_INTERRUPTED, "SIGINT ended the command",
        "The namespace is consistent. The same import goes on where it stopped.";
    UNKNOWN = 907, "Unknown", EXIT_IO, "an error that this version has no name for",
        "Report it with the whole message.";
    NO_WORKSPACE = 908, "NoWorkspace", EXIT_REFUSED, "the data directory holds no workspace",
        "Name the right one with --data or NOKV_DATA, or make one with `nokv init`.";
    STORE_INVALID = 909, "StoreInvalid", EXIT_USAGE, "the URL of the object store makes no sense",
        "The message names the part that is wrong. A store is `dir:PATH` or \
         `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`; credentials never belong into it.";
    STORE_DENIED = 910, "StoreDenied", EXIT_IO, "the object store refuses the credentials",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE. They need to list the bucket and to get, \
         put and delete objects in it.";
    STORE_WRONG = 911, "StoreWrong", EXIT_USAGE, "the object store is not what its URL says",
        "There is no such bucket, or it lies in another region: correct the URL, or make the bucket.";
    STORE_UNSUITABLE = 912, "StoreUnsuitable", EXIT_USAGE, "the object store does not keep a promise that is needed",
        "The message names the promise, for example that If-None-Match is honoured. Take another server, or a newer \
         version of it: bodies in this one could be overwritten.";
    WRONG_WORKSPACE = 913, "WrongWorkspace", EXIT_USAGE,
        "the data directory and the object store belong to different workspaces",
        "Give the --data and the --store that belong together; nothing was read or changed.";
    NOT_WRITABLE = 914, "NotWritable", EXIT_IO, "the data directory cannot be written",
        "One process owns a data directory and notes that in it, readers included: make it writable for the user who \
         runs the command.";
    TERMINATED = 915, "Terminated", EXIT_TERMINATED, "SIGTERM ended the command",
        "The namespace is consistent. The same import goes on where it stopped.";
}

/// What is known of a code.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) number: u16,
    pub(crate) name: &'static str,
    pub(crate) exit: u8,
    /// What an error of this code says.
    pub(crate) meaning: String,
    /// What to do about it.
    pub(crate) action: &'static str,
    /// Whether the same command may work later.
    pub(crate) retry: &'static str,
    /// The filesystem's number, where a filesystem answers one.
    pub(crate) errno: Option<i32>,
    /// The command that an error about /PATH recommends.
    pub(crate) next: Option<String>,
}

impl From<Code> for Entry {
    fn from(code: Code) -> Self {
        Self {
            number: code as u16,
            name: code.name(),
            exit: exit_of(code),
            meaning: format!("PATH {}", code.sentence()),
            action: actions::of(code),
            retry: match code.retry() {
                Retry::Never => "the same request gets the same answer",
                Retry::Same => "the same request may succeed later",
                Retry::AfterRefresh => "look the arguments up again first",
            },
            errno: Some(code.errno()),
            next: next_command(code, "/PATH"),
        }
    }
}

impl From<&Own> for Entry {
    fn from(own: &Own) -> Self {
        Self {
            number: own.number,
            name: own.name,
            exit: own.exit,
            meaning: own.meaning.to_owned(),
            action: own.action,
            retry: if own.exit == EXIT_LATER {
                "the same command may work later"
            } else {
                "the same command gets the same answer"
            },
            errno: None,
            next: None,
        }
    }
}

impl Entry {
    /// How the code is written.
    pub(crate) fn code(&self) -> String {
        show(self.number)
    }
}

/// How a code is written.
fn show(number: u16) -> String {
    format!("NOKV-E{number:04}")
}

/// Every code, by number.
pub(crate) fn all() -> Vec<Entry> {
    let refusals = Code::ALL.iter().copied().map(Entry::from);
    let mut all: Vec<Entry> = refusals.chain(OWN.iter().map(Entry::from)).collect();
    all.sort_by_key(|entry| entry.number);
    all
}

/// The entry that a user means: `NOKV-E0002`, `E0002`, `2`, or a name.
pub(crate) fn find(text: &str) -> Option<Entry> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.trim_start_matches("NOKV-").trim_start_matches('E');
    let number = digits.parse::<u16>().ok();
    all()
        .into_iter()
        .find(|entry| Some(entry.number) == number || entry.name.eq_ignore_ascii_case(text))
}

/// The exit code of a refusal.
pub(crate) fn exit_of(code: Code) -> u8 {
    match code {
        Code::Locked
        | Code::Busy
        | Code::WindowFull
        | Code::OutcomeUnknown
        | Code::NotReady
        | Code::Draining
        | Code::TimedOut
        | Code::Cancelled => EXIT_LATER,
        Code::Io => EXIT_IO,
        Code::Corrupt => EXIT_DAMAGED,
        Code::NameInvalid | Code::NameTooLong | Code::PathTooLong => EXIT_USAGE,
        _ => EXIT_REFUSED,
    }
}

impl Own {
    pub(crate) fn code(&self) -> String {
        show(self.number)
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// Whether the same input will be refused again: nothing is kept for another try.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.exit, EXIT_USAGE | EXIT_INPUT)
    }
}
