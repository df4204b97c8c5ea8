//! Opening the event files of a workspace and cutting them back to what the log says happened.

use super::EventOptions;
use super::file::{EventFile, file_index, file_name};
use super::write::EventFiles;
use crate::disk::create_dir_durably;
use crate::{Disk, Error, Position, Result};
use nokv_types::failpoint::hit;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// Event files after opening.
#[derive(Debug)]
pub struct EventsOpened {
    /// The files.
    pub files: EventFiles,
    /// The last segment whose events are here; `None` when there are no files yet. What comes after is to
    /// be copied from the log ([`EventFiles::copy_from`]).
    pub copied_seq: Option<u64>,
    /// Files that were dropped because they are damaged or no longer connected to the newest ones.
    pub dropped_files: u64,
    /// Records after the recovered end of the log, or damaged ones, were cut off the newest file.
    pub cut: bool,
}

impl EventFiles {
    /// Opens the files in `dir`, making it where needed. `at` is the recovered end of the log: records after
    /// it never happened.
    ///
    /// # Errors
    /// `Fatal`, `Full`, `TooNew`. Damage is not an error: damaged files are dropped, the newest is cut.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: EventOptions,
        at: &Position,
    ) -> Result<EventsOpened> {
        let failed = |error| Error::io("open", dir.display().to_string(), error);
        let begin = || {
            hit("journal.events.dir")?;
            create_dir_durably(&*disk, dir)
        };
        begin().map_err(failed)?;
        let names = disk.list(dir).map_err(failed)?;
        let indices: Vec<u64> = names.iter().filter_map(|name| file_index(name)).collect();
        let (kept, mut dropped) = connected(&*disk, dir, &indices, &options)?;
        let (kept, cut, beyond) = cut_back(kept, &options, at)?;
        dropped.extend(beyond);
        let next_index = indices.last().map_or(1, |last| last + 1);
        for index in dropped.iter().rev() {
            let run = || {
                hit("journal.events.drop")?;
                disk.remove(&dir.join(file_name(*index)))
            };
            run().map_err(failed)?;
        }
        if let Some(last) = kept.back() {
            let run = || {
                if cut {
                    hit("journal.events.cut")?;
                    last.file.set_size(last.end)?;
                }
                // What the last process wrote may lie in memory only, and a complete file is not synced again.
                hit("journal.events.open_sync")?;
                last.file.sync_data()
            };
            run().map_err(failed)?;
        }
        if !dropped.is_empty() {
            disk.sync_dir(dir).map_err(failed)?;
        }
        Ok(EventsOpened {
            copied_seq: kept.back().map(|file| file.last_seq),
            dropped_files: dropped.len() as u64,
            cut,
            files: EventFiles::new(disk, dir.to_path_buf(), options, kept, next_index),
        })
    }
}

/// The newest files that follow each other without a gap, and the numbers of the others.
fn connected(
    disk: &dyn Disk,
    dir: &Path,
    indices: &[u64],
    options: &EventOptions,
) -> Result<(VecDeque<EventFile>, Vec<u64>)> {
    let mut kept: VecDeque<EventFile> = VecDeque::new();
    let mut dropped = Vec::new();
    for index in indices {
        let newest = Some(index) == indices.last();
        let Some(file) = EventFile::open(disk, dir, *index, newest, options)? else {
            dropped.push(*index);
            continue;
        };
        let follows = kept
            .back()
            .is_none_or(|last| last.last_seq == file.header.base_seq);
        if !follows {
            dropped.extend(kept.drain(..).map(|file| file.header.index));
        }
        // A file that another one follows is complete, even if its trailer is damaged.
        if let Some(last) = kept.back_mut() {
            last.complete = true;
        }
        kept.push_back(file);
    }
    Ok((kept, dropped))
}

/// Drops records after `at`; answers the rest, whether the last file must be cut, and the numbers of files
/// that lie wholly beyond.
fn cut_back(
    mut kept: VecDeque<EventFile>,
    options: &EventOptions,
    at: &Position,
) -> Result<(VecDeque<EventFile>, bool, Vec<u64>)> {
    let mut beyond = Vec::new();
    while let Some(last) = kept.pop_back() {
        if last.header.base_seq > at.seq {
            beyond.push(last.header.index);
        } else {
            kept.push_back(last);
            break;
        }
    }
    let mut cut = false;
    if let Some(last) = kept.back_mut() {
        if last.last_seq > at.seq {
            last.walk(options, at.seq)?;
        }
        if !last.complete {
            let size = last
                .file
                .size()
                .map_err(|error| Error::io("open", "event file", error))?;
            cut = size != last.end;
        }
    }
    Ok((kept, cut, beyond))
}
