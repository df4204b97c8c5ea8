//! One event file: reading its records in order, and learning at the start how far they are good.

use super::EventOptions;
use super::footer::{ENTRY_BYTES, FILE_HEADER_BYTES, FILE_TRAILER_BYTES, FileHeader, Footer, IndexEntry};
use super::record::{EventRecord, RECORD_HEADER_BYTES, whole_len};
use crate::log::window::Window;
use crate::{Disk, DiskFile, Error, Result};
use nokv_types::Version;
use std::path::Path;
use std::sync::Arc;

const SUFFIX: &str = ".evt";

pub(super) fn file_name(index: u64) -> String {
    format!("{index:016x}{SUFFIX}")
}

pub(super) fn file_index(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let ours = digits.len() == 16
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    ours.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// One file and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct EventFile {
    pub(super) header: FileHeader,
    pub(super) file: Arc<dyn DiskFile>,
    /// The offset after the last record.
    pub(super) end: u64,
    pub(super) last_seq: u64,
    pub(super) last_version: Version,
    pub(super) last_log_time_ns: u64,
    pub(super) index: Arc<Vec<IndexEntry>>,
    /// The trailer is written: nothing is appended any more.
    pub(super) complete: bool,
}

impl EventFile {
    /// A file without records.
    pub(super) fn empty(header: FileHeader, file: Arc<dyn DiskFile>) -> Self {
        Self {
            header,
            file,
            end: FILE_HEADER_BYTES as u64,
            last_seq: header.base_seq,
            last_version: header.base_version,
            last_log_time_ns: 0,
            index: Arc::default(),
            complete: false,
        }
    }

    /// Opens file number `index`; `None` when its header is damaged or not of this workspace. The newest
    /// file, and any without a good trailer, is read through, up to the first record that is not good: its
    /// trailer may have reached the disk before its records did.
    pub(super) fn open(
        disk: &dyn Disk,
        dir: &Path,
        index: u64,
        newest: bool,
        options: &EventOptions,
    ) -> Result<Option<Self>> {
        let name = file_name(index);
        let failed = |error| Error::io("read", name.clone(), error);
        let file = disk.open(&dir.join(&name)).map_err(failed)?;
        let mut bytes = [0; FILE_HEADER_BYTES];
        let count = file.read_at(&mut bytes, 0).map_err(failed)?;
        let header = FileHeader::decode(&bytes[..count])?;
        let Some(header) = header.filter(|h| h.index == index && h.workspace == options.workspace) else {
            return Ok(None);
        };
        let mut opened = Self::empty(header, file);
        let footer = opened.load_footer().map_err(failed)?;
        if newest || !footer {
            let end = opened.end;
            opened.walk(options, u64::MAX)?;
            opened.complete = footer && opened.end == end;
        }
        Ok(Some(opened))
    }

    fn load_footer(&mut self) -> std::io::Result<bool> {
        let size = self.file.size()?;
        let Some(at) = size.checked_sub(FILE_TRAILER_BYTES as u64) else {
            return Ok(false);
        };
        let mut bytes = [0; FILE_TRAILER_BYTES];
        let count = self.file.read_at(&mut bytes, at)?;
        let Some(footer) = Footer::decode(&bytes[..count], size) else {
            return Ok(false);
        };
        let mut entries = vec![0; footer.entries as usize * ENTRY_BYTES];
        let count = self.file.read_at(&mut entries, footer.end)?;
        let Some(index) = footer.index(&entries[..count]) else {
            return Ok(false);
        };
        self.end = footer.end;
        self.last_seq = footer.last_seq;
        self.last_version = footer.last_version;
        self.last_log_time_ns = footer.last_log_time_ns;
        self.index = Arc::new(index);
        self.complete = true;
        Ok(true)
    }

    /// Reads the records from the first on, as long as they are good and not after `seq_max`, and sets
    /// what is known of the file to that.
    pub(super) fn walk(&mut self, options: &EventOptions, seq_max: u64) -> Result<()> {
        let mut fresh = Self::empty(self.header, Arc::clone(&self.file));
        let mut records = Records::new(self, FILE_HEADER_BYTES as u64, u64::MAX);
        while let Some(record) = records.take()? {
            if record.seq != fresh.last_seq + 1 || record.seq > seq_max {
                break;
            }
            fresh.note(&record, options);
        }
        *self = fresh;
        Ok(())
    }

    /// Counts a record that lies (or will lie) at the end.
    pub(super) fn note(&mut self, record: &EventRecord<'_>, options: &EventOptions) {
        let due = self
            .index
            .last()
            .is_none_or(|last| self.end - last.offset >= options.index_bytes);
        if due {
            let entry = IndexEntry {
                first_version: record.first_version,
                offset: self.end,
            };
            Arc::make_mut(&mut self.index).push(entry);
        }
        self.end += record.stored_len() as u64;
        self.last_seq = record.seq;
        self.last_version = record.last_version;
        self.last_log_time_ns = record.log_time_ns;
    }

    pub(super) fn footer(&self) -> Vec<u8> {
        let mut footer = Footer::new(self.index.len(), self.end);
        footer.last_seq = self.last_seq;
        footer.last_version = self.last_version;
        footer.last_log_time_ns = self.last_log_time_ns;
        footer.encode(&self.index)
    }
}

/// The records of a file from an offset on.
pub(super) struct Records {
    window: Window,
    offset: u64,
    end: u64,
    name: String,
}

impl Records {
    pub(super) fn new(file: &EventFile, offset: u64, end: u64) -> Self {
        let mut window = Window::new(Arc::clone(&file.file));
        window.read_up_to(end);
        Self {
            window,
            offset,
            end,
            name: file_name(file.header.index),
        }
    }

    /// The next good record; `None` at the end and where there is none.
    pub(super) fn take(&mut self) -> Result<Option<EventRecord<'_>>> {
        if self.offset >= self.end {
            return Ok(None);
        }
        let Self {
            window, offset, name, ..
        } = self;
        let failed = |error| Error::io("read", name.clone(), error);
        let head = window.get(*offset, RECORD_HEADER_BYTES).map_err(failed)?;
        let Some(len) = whole_len(head) else {
            return Ok(None);
        };
        let record = EventRecord::decode(window.get(*offset, len).map_err(failed)?);
        if record.is_some() {
            *offset += len as u64;
        }
        Ok(record)
    }

    /// Whether everything was taken.
    pub(super) fn at_end(&self) -> bool {
        self.offset >= self.end
    }
}
