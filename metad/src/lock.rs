//! One process owns a data directory: an advisory lock that the kernel drops with its owner.

use crate::{Error, ErrorKind, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

const LOCK_NAME: &str = "LOCK";

/// Held while an engine is open.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: File,
}

impl DirLock {
    /// Takes the lock of `dir`, which exists, and writes the owner's process id into it.
    pub(crate) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join(LOCK_NAME);
        let failed = |error| Error::io("lock", path.display().to_string(), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(owned(dir, &mut file)),
            Err(error) => return Err(failed(error.into())),
        }
        let mut note = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        // The note is for people; a full disk must not keep the owner out.
        let _ = note();
        Ok(Self { file })
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was forked and has not executed its program yet holds the file too.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn owned(dir: &Path, file: &mut File) -> Error {
    let mut pid = String::new();
    let _ = file.read_to_string(&mut pid);
    let owner = match pid.trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
    let detail =
        format!("{owner} owns it; talk to it, or start one with `nokv up` and let every command use that");
    Error::new(ErrorKind::Locked, "open", dir.display().to_string(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_dropped_is_free_though_a_forked_child_holds_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::take(dir.path()).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert_eq!(DirLock::take(dir.path()).unwrap_err().kind, ErrorKind::Locked);
        drop(lock);
        DirLock::take(dir.path()).unwrap();
        drop(inherited);
    }
}
