//! A folder for the temporary files of one run, removed when the run ends.
//!
//! Invariant: whoever uses a folder holds a lock on it, so that runs that share a cache (containers too, whose
//! process ids say nothing to each other) never remove one that is in use.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;

/// Names tried before giving up; more runs than this do not share a machine.
const NAMES_MAX: u32 = 1000;

/// Removed on drop; what a killed run left behind is removed by the next.
pub(crate) struct Scratch {
    dir: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Creates an empty folder under the cache.
    pub(crate) fn create(paths: &Paths) -> Result<Self> {
        Self::create_in(&paths.cache.join("tmp"))
    }

    fn create_in(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        remove_left_behind(parent);
        for number in 0..NAMES_MAX {
            let dir = parent.join(number.to_string());
            match fs::create_dir(&dir) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error).with_context(|| format!("cannot create {}", dir.display())),
            }
            if let Some(lock) = lock(&dir) {
                return Ok(Self { dir, _lock: lock });
            }
        }
        bail!("{} is full of folders that cannot be removed", parent.display());
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            eprintln!(
                "xtask: {} stays: {error} (is something still mounted there?)",
                self.dir.display()
            );
        }
    }
}

/// The lock of a folder, unless a run holds it or has just removed it.
fn lock(dir: &Path) -> Option<File> {
    let file = File::open(dir).ok()?;
    file.try_lock().ok()?;
    dir.exists().then_some(file)
}

fn remove_left_behind(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for dir in entries.flatten().map(|entry| entry.path()) {
        let Some(_lock) = lock(&dir) else { continue };
        if let Err(error) = fs::remove_dir_all(&dir) {
            eprintln!("xtask: {} of an earlier run stays: {error}", dir.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_stays_and_one_left_behind_goes() {
        let parent = std::env::temp_dir().join(format!("xtask-scratch-{}", std::process::id()));
        let used = Scratch::create_in(&parent).unwrap();
        let left_behind = parent.join("7");
        fs::create_dir(&left_behind).unwrap();
        let next = Scratch::create_in(&parent).unwrap();
        assert!(used.path().is_dir());
        assert!(next.path().is_dir());
        assert_ne!(used.path(), next.path());
        assert!(!left_behind.exists());
        drop((used, next));
        fs::remove_dir(&parent).unwrap();
    }
}
