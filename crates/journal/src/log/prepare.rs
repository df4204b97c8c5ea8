//! Making the next file: zero-filled, durable and under its final name before it is used.

use super::Mode;
use super::files::{Shared, file_name};
use crate::{Error, ErrorKind, Result};
use nokv_types::failpoint::{hit, hit_write, short_write};
use std::io;
use std::sync::{Arc, PoisonError};

/// Zeros written at once, and synced before the next ones: a sync of the log beside it waits for no more than this.
const CHUNK: usize = 2 << 20;
/// Ends the name of a file that is not ready.
pub(super) const TEMPORARY_SUFFIX: &str = ".tmp";

/// Prepares file number `wanted` and puts it behind the others; nothing to do when somebody else just did.
///
/// # Errors
/// `Full` when the log's limit or the device leaves no room for it; nothing changed then.
pub(super) fn prepare(shared: &Shared, wanted: u64) -> Result<()> {
    let _one = shared.preparing.lock().unwrap_or_else(PoisonError::into_inner);
    shared.check("prepare log file")?;
    let (index, count) = {
        let files = shared.files();
        (files.next_index(), files.count())
    };
    if index != wanted {
        return Ok(());
    }
    if (count + 1) * shared.files_bytes() > shared.options.limit_bytes {
        let why = format!(
            "the log's limit of {} bytes is reached",
            shared.options.limit_bytes
        );
        return Err(Error::new(
            ErrorKind::Full,
            "prepare log file",
            shared.subject(index),
            why,
        ));
    }
    match make(shared, index) {
        Ok(file) => {
            shared.files().ready.push_back((index, file));
            Ok(())
        }
        Err(error) => {
            let error = Error::io("prepare log file", shared.subject(index), error);
            // Best effort: the next start removes what is left of it.
            let _ = shared.disk.remove(&shared.dir.join(temporary(index)));
            Err(error)
        }
    }
}

fn temporary(index: u64) -> String {
    format!("{}{TEMPORARY_SUFFIX}", file_name(index))
}

fn make(shared: &Shared, index: u64) -> io::Result<Arc<dyn crate::DiskFile>> {
    let path = shared.dir.join(temporary(index));
    hit("journal.prepare.create")?;
    let file = shared.disk.create(&path)?;
    let size = shared.files_bytes();
    if shared.options.mode == Mode::Ephemeral {
        hit("journal.prepare.fill")?;
        file.set_size(size)?;
    } else {
        let zeros = vec![0; CHUNK.min(size as usize)];
        let mut offset = 0;
        while offset < size {
            let len = zeros.len().min((size - offset) as usize);
            if let Some(part) = hit_write("journal.prepare.fill", len)? {
                file.write_at(&zeros[..part], offset)?;
                return Err(short_write("journal.prepare.fill"));
            }
            file.write_at(&zeros[..len], offset)?;
            offset += len as u64;
            hit("journal.prepare.sync")?;
            file.sync_data()?;
        }
    }
    hit("journal.prepare.rename")?;
    shared.disk.rename(&path, &shared.dir.join(file_name(index)))?;
    if shared.options.mode == Mode::Volume {
        hit("journal.prepare.sync_dir")?;
        shared.disk.sync_dir(&shared.dir)?;
    }
    Ok(file)
}
