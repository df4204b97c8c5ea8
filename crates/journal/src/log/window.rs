//! A moving window over a file, so that scans read it in large steps without holding it whole.

use crate::disk::DiskFile;
use std::io;
use std::sync::Arc;

/// How much is read at once.
const WINDOW_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    start: u64,
    /// Nothing is read at or past this offset: what lies there may still be written.
    limit: u64,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn DiskFile>) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            start: 0,
            limit: u64::MAX,
        }
    }

    /// `len` bytes at `offset`; fewer only where the file ends.
    pub(crate) fn get(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        if offset < self.start || offset + len as u64 > self.start + self.buffer.len() as u64 {
            self.fill(offset, len.max(WINDOW_BYTES))?;
        }
        let from = (offset - self.start) as usize;
        let to = self.buffer.len().min(from.saturating_add(len));
        Ok(self.buffer.get(from..to).unwrap_or_default())
    }

    /// Reads nothing at or past `limit`, until the next call raises it.
    pub(crate) fn read_up_to(&mut self, limit: u64) {
        self.limit = limit;
    }

    fn fill(&mut self, offset: u64, len: usize) -> io::Result<()> {
        let len = len.min(usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX));
        self.buffer.resize(len, 0);
        self.start = offset;
        match self.file.read_at(&mut self.buffer, offset) {
            Ok(count) => {
                self.buffer.truncate(count);
                Ok(())
            }
            Err(error) => {
                self.buffer.clear();
                Err(error)
            }
        }
    }
}
