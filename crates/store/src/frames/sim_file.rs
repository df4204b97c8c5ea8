//! A file of the simulated disk: chunks that copies share until one of them changes.

use std::sync::Arc;

const CHUNK: usize = 64 * 1024;

/// Bytes of a file; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct SimFile {
    chunks: Vec<Arc<Vec<u8>>>,
    len: usize,
}

impl SimFile {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Fills `into` from `offset`; false when the file ends before.
    pub(super) fn read(&self, offset: usize, into: &mut [u8]) -> bool {
        if offset + into.len() > self.len {
            return false;
        }
        let mut at = offset;
        for part in parts(offset, into) {
            part.copy_from_slice(&self.chunks[at / CHUNK][at % CHUNK..at % CHUNK + part.len()]);
            at += part.len();
        }
        true
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        if self.len < offset + bytes.len() {
            self.resize(offset + bytes.len());
        }
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (part, tail) = rest.split_at(rest.len().min(CHUNK - at % CHUNK));
            let chunk = &mut self.chunks[at / CHUNK];
            if part.len() == CHUNK {
                *chunk = Arc::new(part.to_vec());
            } else {
                Arc::make_mut(chunk)[at % CHUNK..at % CHUNK + part.len()].copy_from_slice(part);
            }
            at += part.len();
            rest = tail;
        }
    }

    pub(super) fn resize(&mut self, len: usize) {
        if len < self.len {
            let end = len.next_multiple_of(CHUNK).min(self.len);
            self.zero(len, end - len);
        }
        self.chunks
            .resize_with(len.div_ceil(CHUNK), || Arc::new(vec![0; CHUNK]));
        self.len = len;
    }

    pub(super) fn zero(&mut self, offset: usize, len: usize) {
        let end = (offset + len).min(self.len);
        let mut at = offset;
        while at < end {
            let part = (end - at).min(CHUNK - at % CHUNK);
            Arc::make_mut(&mut self.chunks[at / CHUNK])[at % CHUNK..at % CHUNK + part].fill(0);
            at += part;
        }
    }
}

/// Cuts a buffer where the chunks of the file end.
fn parts(offset: usize, buffer: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    let (head, rest) = buffer.split_at_mut(buffer.len().min(CHUNK - offset % CHUNK));
    std::iter::once(head).chain(rest.chunks_mut(CHUNK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Rng;

    #[test]
    fn a_file_behaves_like_a_vector() {
        let mut rng = Rng::new(3);
        let (mut file, mut plain) = (SimFile::default(), Vec::new());
        for step in 0..2000 {
            let at = rng.below(300_000) as usize;
            let len = rng.below(150_000) as usize;
            match rng.below(4) {
                0 | 1 => {
                    let bytes = vec![step as u8; len];
                    file.write(at, &bytes);
                    plain.resize(plain.len().max(at + len), 0);
                    plain[at..at + len].copy_from_slice(&bytes);
                }
                2 => {
                    file.resize(at);
                    plain.resize(at, 0);
                }
                _ => {
                    file.zero(at, len);
                    let end = (at + len).min(plain.len());
                    plain[at.min(end)..end].fill(0);
                }
            }
            let mut found = vec![1; plain.len()];
            assert!(file.read(0, &mut found));
            assert_eq!(found, plain, "step {step}");
            assert!(!file.read(1, &mut found));
        }
    }
}
