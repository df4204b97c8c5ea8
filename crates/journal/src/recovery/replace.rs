//! Putting a new, empty log in the place of one that cannot be gone on with.

use super::quarantine::move_away;
use super::{LOG_DIR, RecoverySpec};
use crate::{Error, Log, LogScan, Position, Result};
use nokv_types::failpoint::hit;
use std::io;
use std::path::{Path, PathBuf};

/// Where the new log is made before it takes its place.
const NEW_LOG_DIR: &str = "log.new";

/// Finishes a replacement that a crash interrupted between its two renames.
pub(super) fn finish_interrupted(spec: &RecoverySpec<'_>) -> Result<()> {
    let new = spec.dir.join(NEW_LOG_DIR);
    let run = || -> io::Result<()> {
        let complete = spec.disk.exists(&new.join(crate::log::STATE_NAME))?;
        if complete && !spec.disk.exists(&spec.dir.join(LOG_DIR))? {
            rename_in(spec)?;
        }
        Ok(())
    };
    run().map_err(|error| failed(&new, error))
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::io("replace log", path.display().to_string(), error)
}

fn rename_in(spec: &RecoverySpec<'_>) -> io::Result<()> {
    hit("journal.replace.rename")?;
    spec.disk
        .rename(&spec.dir.join(NEW_LOG_DIR), &spec.dir.join(LOG_DIR))?;
    hit("journal.replace.sync_dir")?;
    spec.disk.sync_dir(spec.dir)
}

/// Moves the log to quarantine and begins a new one after `at`, which the published frames must cover.
pub(super) fn replace_log(spec: &RecoverySpec<'_>, at: Position) -> Result<(Log, Option<PathBuf>)> {
    let new = spec.dir.join(NEW_LOG_DIR);
    // An earlier try may have died with the new log made and the old one still in its place.
    let clear = || {
        hit("journal.replace.clear")?;
        spec.disk.remove(&new.join(crate::log::STATE_NAME))
    };
    if spec.disk.exists(&new).map_err(|error| failed(&new, error))? {
        clear().map_err(|error| failed(&new, error))?;
    }
    Log::create(spec.disk.clone(), &new, spec.log, at)?.close()?;
    let old = move_away(&*spec.disk, spec.dir, LOG_DIR)?;
    rename_in(spec).map_err(|error| failed(&new, error))?;
    let scan = LogScan::run(spec.disk.clone(), &spec.dir.join(LOG_DIR), spec.log, Some(at))?;
    Ok((scan.open()?, old))
}
