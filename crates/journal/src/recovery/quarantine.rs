//! Moving damaged directories out of the way, under a number of their own.

use super::QUARANTINE_DIR;
use crate::disk::create_dir_durably;
use crate::{Disk, Error, Result};
use nokv_types::failpoint::hit;
use std::io;
use std::path::{Path, PathBuf};

/// Moves `dir/name` to `dir/quarantine/<n>/name`; answers where it is, `None` when there was nothing.
pub(super) fn move_away(disk: &dyn Disk, dir: &Path, name: &str) -> Result<Option<PathBuf>> {
    let from = dir.join(name);
    let all = dir.join(QUARANTINE_DIR);
    let run = || -> io::Result<Option<PathBuf>> {
        if !disk.exists(&from)? {
            return Ok(None);
        }
        let numbers = disk
            .list(&all)?
            .into_iter()
            .filter_map(|name| name.parse::<u64>().ok());
        let place = all.join((numbers.max().unwrap_or(0) + 1).to_string());
        hit("journal.quarantine.dir")?;
        create_dir_durably(disk, &place)?;
        hit("journal.quarantine.rename")?;
        disk.rename(&from, &place.join(name))?;
        hit("journal.quarantine.sync_place")?;
        disk.sync_dir(&place)?;
        hit("journal.quarantine.sync_dir")?;
        disk.sync_dir(dir)?;
        Ok(Some(place.join(name)))
    };
    run().map_err(|error| Error::io("quarantine", from.display().to_string(), error))
}
