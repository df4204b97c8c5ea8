//! The bare tree beside us: the same gets, as many rows, keys and values as long, no log, no checksums, frames in
//! memory.

use crate::clock::Stopwatch;
use crate::workload::BATCH;
use anyhow::{Result, anyhow};
use holt::{AlignedBlobBuf, BlobGuid, BlobStore, Tree, TreeConfig};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Frames in memory.
#[derive(Default)]
struct MemoryFrames {
    frames: Mutex<HashMap<BlobGuid, Box<[u8]>>>,
    written: AtomicBool,
}

impl MemoryFrames {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<BlobGuid, Box<[u8]>>) -> T) -> T {
        act(&mut self.frames.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl BlobStore for MemoryFrames {
    fn read_blob(&self, guid: BlobGuid, dst: &mut AlignedBlobBuf) -> holt::Result<()> {
        self.with(|frames| match frames.get(&guid) {
            Some(bytes) => {
                dst.as_mut_slice().copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        })
    }

    fn write_blob(&self, guid: BlobGuid, src: &AlignedBlobBuf) -> holt::Result<()> {
        self.written.store(true, Ordering::Relaxed);
        self.with(|frames| frames.insert(guid, src.as_slice().into()));
        Ok(())
    }

    fn delete_blob(&self, guid: BlobGuid) -> holt::Result<()> {
        self.written.store(true, Ordering::Relaxed);
        self.with(|frames| frames.remove(&guid));
        Ok(())
    }

    fn list_blobs(&self) -> holt::Result<Vec<BlobGuid>> {
        Ok(self.with(|frames| frames.keys().copied().collect()))
    }

    fn flush(&self) -> holt::Result<()> {
        self.written.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn needs_flush(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    fn has_blob(&self, guid: BlobGuid) -> holt::Result<bool> {
        Ok(self.with(|frames| frames.contains_key(&guid)))
    }
}

/// Bytes of the values that a fresh file has in our store, checksums included: its entry, and where it is.
const VALUES: ([u8; 62], [u8; 75]) = ([7; 62], [7; 75]);
/// The same for what a batch writes once: directory, usage, times, and what they replace.
const ONCE: [u8; 60] = [7; 60];

/// Creates per second of the bare tree: per file one get and two puts, `per_dir` files share a parent; and `once`
/// rows per batch.
pub(crate) fn creates_per_second(files: u64, per_dir: u64, once: u64) -> Result<f64> {
    let mut config = TreeConfig::memory();
    config.buffer_pool_size = 8192;
    config.memory_flush_on_write = false;
    config.checkpoint.enabled = true;
    let tree =
        Tree::open_with_blob_store(config, Arc::new(MemoryFrames::default())).map_err(|e| anyhow!("{e}"))?;
    let (entry, locator) = VALUES;
    let watch = Stopwatch::start();
    let mut made = 0;
    while made < files {
        let end = files.min(made + BATCH);
        let mut rows = Vec::with_capacity(2 * BATCH as usize);
        for number in made..end {
            let mut key = vec![b'd', b'A'];
            push_id(&mut key, 1000 + number / per_dir);
            key.extend_from_slice(format!("file-{:06}.txt", number % per_dir).as_bytes());
            if tree.get(&key).map_err(|e| anyhow!("{e}"))?.is_some() {
                return Err(anyhow!("the tree has a file that was not made"));
            }
            let mut by_ino = vec![b'i', b'A'];
            push_id(&mut by_ino, 1_000_000 + number);
            rows.push((key, by_ino));
        }
        tree.atomic(|batch| {
            for (key, by_ino) in &rows {
                batch.put(key, &entry);
                batch.put(by_ino, &locator);
            }
            for row in 0..once {
                let mut key = vec![b'o', b'A' + (row % 16) as u8];
                push_id(&mut key, made);
                push_id(&mut key, row);
                batch.put(&key, &ONCE);
            }
        })
        .map_err(|e| anyhow!("{e}"))?;
        made = end;
    }
    Ok(files as f64 / watch.seconds())
}

fn push_id(out: &mut Vec<u8>, id: u64) {
    let digits = (64 - id.leading_zeros()).div_ceil(2);
    out.push(b'A' + digits as u8);
    out.extend(
        (0..digits)
            .rev()
            .map(|digit| b'0' + (id >> (2 * digit) & 3) as u8),
    );
}
