//! Cutting a torn tail away, durably, before anything is appended behind it.

use super::files::{Shared, file_name};
use super::seal::SEAL_BYTES;
use crate::{Error, Result};
use nokv_types::failpoint::hit;
use std::io;

/// Zeros written at once.
const CHUNK: usize = 1 << 20;

/// Removes the files after the one that the log ends in and zeros that file behind its last segment.
///
/// Stopping anywhere in between leaves a tail that the next start finds torn at the same place.
pub(super) fn cut_tail(shared: &Shared) -> Result<()> {
    let (mut later, tail) = {
        let mut files = shared.files();
        let later: Vec<u64> = files.ready.drain(..).map(|(index, _)| index).collect();
        (later, files.used.back().cloned())
    };
    let failed = |error| {
        shared.fail(Error::io(
            "cut torn tail",
            shared.dir.display().to_string(),
            error,
        ))
    };
    let names = shared.disk.list(&shared.dir).map_err(failed)?;
    let last = tail.as_ref().map(|file| file.index);
    later.extend(names.iter().filter_map(|name| super::files::file_index(name)));
    later.retain(|index| last.is_none_or(|last| *index > last));
    later.sort_unstable();
    later.dedup();
    let run = || -> io::Result<()> {
        for index in later.iter().rev() {
            hit("journal.cut.remove")?;
            shared.disk.remove(&shared.dir.join(file_name(*index)))?;
        }
        hit("journal.cut.sync_dir")?;
        shared.disk.sync_dir(&shared.dir)?;
        if let Some(tail) = &tail {
            tail.file.set_size(shared.files_bytes())?;
            zero(&*tail.file, tail.end, shared.files_bytes())?;
            zero(&*tail.file, 0, SEAL_BYTES)?;
            hit("journal.cut.sync")?;
            tail.file.sync_data()?;
        }
        Ok(())
    };
    run().map_err(failed)
}

/// Writes zeros over what is not zero, from the back: a crash in between leaves the damage at its start.
fn zero(file: &dyn crate::DiskFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; CHUNK.min((to - from) as usize)];
    let mut present = vec![0; zeros.len()];
    let mut end = to;
    while end > from {
        let start = end.saturating_sub(CHUNK as u64).max(from);
        let len = (end - start) as usize;
        let count = file.read_at(&mut present[..len], start)?;
        if present[..count].iter().any(|byte| *byte != 0) {
            hit("journal.cut.zero")?;
            file.write_at(&zeros[..len], start)?;
        }
        end = start;
    }
    Ok(())
}
