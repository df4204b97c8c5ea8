//! A folder for the temporary files of one run, removed when the run ends.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths::Paths;

/// Removed on drop; what a killed run left behind is removed by the next.
pub(crate) struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    /// Creates an empty folder under the cache, named after this process.
    pub(crate) fn create(paths: &Paths) -> Result<Self> {
        let parent = paths.cache.join("tmp");
        remove_left_behind(&parent);
        let dir = parent.join(std::process::id().to_string());
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self { dir })
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

fn remove_left_behind(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_pid = name.to_str().is_some_and(|name| name.parse::<u32>().is_ok());
        if is_pid && !Path::new("/proc").join(&name).exists() && fs::remove_dir_all(entry.path()).is_err() {
            eprintln!(
                "xtask: {} of an earlier run cannot be removed",
                entry.path().display()
            );
        }
    }
}
