//! Room kept back on the disk of the data directory: when the disk is full, making room is still possible.
//!
//! Owns: the file `SPARE` and when it is there. Objects can only be deleted after newer checkpoints were written,
//! and those need room themselves; so the file is given up for them, and made again when there is room again.
//!
//! Invariant: it holds nothing, and nothing depends on it. Where it cannot be made there is none.

use crate::home::Home;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// The unit of a file's blocks, in bytes.
const BLOCK_BYTES: u64 = 512;

/// See the module.
#[derive(Debug)]
pub(crate) struct Spare {
    path: PathBuf,
    bytes: u64,
}

impl Spare {
    /// Of that size, in bytes; takes the room if there is any.
    pub(crate) fn of(home: &Home, bytes: u64) -> Self {
        let this = Self {
            path: home.spare(),
            bytes,
        };
        this.hold();
        this
    }

    /// Takes the room again, if there is any.
    pub(crate) fn hold(&self) {
        let is_there = fs::metadata(&self.path).is_ok_and(|file| file.blocks() * BLOCK_BYTES >= self.bytes);
        if is_there || self.bytes == 0 {
            return;
        }
        let made = File::create(&self.path)
            .and_then(|file| Ok(fallocate(&file, FallocateFlags::empty(), 0, self.bytes)?));
        if made.is_err() {
            self.release();
        }
    }

    /// Gives the room up; whether there was any.
    pub(crate) fn release(&self) -> bool {
        let held = fs::metadata(&self.path).is_ok_and(|file| file.blocks() > 0);
        fs::remove_file(&self.path).is_ok() && held
    }
}
