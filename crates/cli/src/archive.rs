//! Local files, folders and archives: what import reads and export writes.
//!
//! Invariants: an archive's entry never reaches outside the tree; a local file is replaced only when all of the
//! new one is there; holes stay holes.

mod folder_in;
mod folder_out;
mod local;
mod pipe;
mod stage;
mod tar_in;
mod tar_out;

pub(crate) use folder_in::read_folder;
pub(crate) use folder_out::FolderOut;
pub(crate) use local::{LocalFile, write_file};
pub(crate) use pipe::{Opened, open_archive};
pub(crate) use stage::Stage;
pub(crate) use tar_in::{TarOptions, read_tar};
pub(crate) use tar_out::{TarOut, open_out};

use crate::failure::Failure;

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
