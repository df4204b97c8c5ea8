//! Local files, folders and archives: what import reads and export writes.
//!
//! Invariants: an archive's entry never reaches outside the tree; a local file is replaced only when all of the
//! new one is there; holes stay holes.

mod folder_in;
mod folder_out;
mod form;
mod local;
mod pipe;
mod stage;
mod tar_in;
mod tar_out;

pub(crate) use folder_in::read_folder;
pub(crate) use folder_out::FolderOut;
pub(crate) use form::{FORMS, Form};
pub(crate) use local::{LocalFile, write_file};
pub(crate) use pipe::{Opened, open_archive};
pub(crate) use stage::{STAGE_PREFIX, Stage};
pub(crate) use tar_in::read_tar;
pub(crate) use tar_out::{TarOut, open_out};

use crate::failure::{Failure, Outcome};
use nokv_types::NsPath;

/// How to read what is imported.
#[derive(Clone, Copy)]
pub(crate) struct ReadOptions<'a> {
    /// Owners as the source has them, instead of the caller.
    pub(crate) same_owner: bool,
    /// Refuses an entry that has no room at the destination, before its body is read.
    pub(crate) admit: &'a dyn Fn(&NsPath) -> Outcome,
}

/// What was brought in so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) others: u64,
    pub(crate) bytes: u64,
    /// Entries that an earlier, interrupted run had brought in.
    pub(crate) present: u64,
}

/// The entry breaks a rule.
fn bad(entry: impl Into<String>, why: impl Into<String>) -> Failure {
    Failure::archive(entry.into(), why.into())
}
