//! What bodies are made of: streams, and files that know their holes. Both are handed over block by block.

use nokv_types::BLOCK_BYTES;
use std::io::{self, Read};
use std::ops::Range;

/// A piece of data that was cut out of a body: where it starts. Its bytes are in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Offset in the body.
    pub at: u64,
}

/// A body that can be cut into blocks on the 4 MiB grid.
pub trait BodySource {
    /// Fills the empty `block` with the data of the next cell of the grid that has any; `None` at the end.
    ///
    /// What no cut covers is a hole. A cut whose block is left empty is a cell that was read and is a hole: it gives
    /// the caller the time to look whether it is to stop.
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<Option<Cut>>;

    /// Length of the body, once `next_block` answered `None`.
    fn size(&self) -> u64;

    /// Length of the body, where it is known before it is read.
    fn known_size(&self) -> Option<u64> {
        None
    }

    /// Bytes of data that `next_block` will cut, where that can be found out without consuming them; a body with
    /// more than `_enough` may be answered with any number above it.
    fn data_bytes(&mut self, _enough: u64) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

/// A body that arrives as a stream; whole blocks of zeros become holes.
#[derive(Debug)]
pub struct StreamSource<R> {
    from: R,
    read: u64,
}

impl<R: Read> StreamSource<R> {
    /// The body that `from` reads to its end.
    pub fn new(from: R) -> Self {
        Self { from, read: 0 }
    }
}

impl<R: Read> BodySource for StreamSource<R> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<Option<Cut>> {
        block.clear();
        let at = self.read;
        let got = self.from.by_ref().take(BLOCK_BYTES).read_to_end(block)? as u64;
        self.read += got;
        if got == 0 {
            return Ok(None);
        }
        // A short block is worth less than the hole's bookkeeping.
        if got == BLOCK_BYTES && is_zero(block) {
            block.clear();
        }
        Ok(Some(Cut { at }))
    }

    fn size(&self) -> u64 {
        self.read
    }
}

/// A file that can say where its data is.
pub trait SparseFile {
    /// Its length now.
    fn size(&self) -> io::Result<u64>;

    /// The first run of data at or behind `from`; `None` when only a hole follows.
    fn data_from(&self, from: u64) -> io::Result<Option<Range<u64>>>;

    /// Reads at most `buffer.len()` bytes at `at`; 0 = the end.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A body in a file with holes; only the data is read.
#[derive(Debug)]
pub struct SparseSource<F> {
    file: F,
    size: u64,
    next: u64,
}

impl<F: SparseFile> SparseSource<F> {
    /// The body that `file` has now.
    pub fn new(file: F) -> io::Result<Self> {
        let size = file.size()?;
        Ok(Self { file, size, next: 0 })
    }

    /// The data of the next cell of the grid: from its first byte to its last one.
    fn next_cell(&self) -> io::Result<Option<Range<u64>>> {
        let Some(first) = self.file.data_from(self.next)? else {
            return Ok(None);
        };
        let start = first.start.max(self.next);
        if start >= self.size {
            return Ok(None);
        }
        let cell_end = (start / BLOCK_BYTES + 1)
            .saturating_mul(BLOCK_BYTES)
            .min(self.size);
        let mut end = first.end.min(cell_end);
        while end < cell_end {
            match self.file.data_from(end)? {
                Some(more) if more.start < cell_end => end = more.end.min(cell_end).max(end + 1),
                _ => break,
            }
        }
        Ok(Some(start..end))
    }
}

impl<F: SparseFile> BodySource for SparseSource<F> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<Option<Cut>> {
        let Some(cell) = self.next_cell()? else {
            return Ok(None);
        };
        block.clear();
        block.resize((cell.end - cell.start) as usize, 0);
        let mut filled = 0;
        while filled < block.len() {
            let got = self
                .file
                .read_at(cell.start + filled as u64, &mut block[filled..])?;
            if got == 0 {
                return Err(io::Error::other("the file became shorter while it was read"));
            }
            filled += got;
        }
        self.next = cell.end;
        if is_zero(block) {
            block.clear();
        }
        Ok(Some(Cut { at: cell.start }))
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn known_size(&self) -> Option<u64> {
        Some(self.size)
    }

    /// Reads the body only when its length alone would be too much: zeros count as holes.
    fn data_bytes(&mut self, enough: u64) -> io::Result<Option<u64>> {
        let from = self.next;
        let mut most = 0;
        while most <= enough
            && let Some(cell) = self.next_cell()?
        {
            most += cell.end - cell.start;
            self.next = cell.end;
        }
        self.next = from;
        if most > enough {
            most = 0;
            let mut block = Vec::new();
            while most <= enough && self.next_block(&mut block)?.is_some() {
                most += block.len() as u64;
            }
            self.next = from;
        }
        Ok(Some(most))
    }
}

/// Whether all bytes are zero; stops at the first word that is not.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let (head, words, tail) = (bytes.chunks_exact(64), bytes.len() / 64 * 64, bytes.len() % 64);
    head.into_iter()
        .all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
        && bytes[words..words + tail].iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests;
