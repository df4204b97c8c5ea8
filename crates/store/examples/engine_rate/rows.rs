//! The rows of a create, the process's memory, and the bare store to compare with.

use holt::{AlignedBlobBuf, BlobGuid, BlobStore};
use nokv_store::{Mutation, Mutations};
use std::collections::HashMap;
use std::sync::Mutex;

pub(crate) const FILES_PER_DIR: u64 = 1000;

fn digits(mut value: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 20, b'0');
    for at in (start..start + 20).rev() {
        out[at] = b'0' + (value & 3) as u8;
        value >>= 2;
    }
}

pub(crate) fn dentry_key(file: u64) -> Vec<u8> {
    let mut key = vec![b'd'];
    digits(1000 + file / FILES_PER_DIR, &mut key);
    key.extend(format!("file-{:06}.txt", file % FILES_PER_DIR).into_bytes());
    key
}

pub(crate) fn inode_key(file: u64) -> Vec<u8> {
    let mut key = vec![b'i'];
    digits(1_000_000 + file, &mut key);
    key
}

pub(crate) fn rows_of(files: impl Iterator<Item = u64>) -> Vec<(Vec<u8>, Vec<u8>)> {
    files
        .flat_map(|file| [(dentry_key(file), vec![7; 120]), (inode_key(file), vec![7; 24])])
        .collect()
}

pub(crate) fn batch_of(files: impl Iterator<Item = u64>) -> Mutations {
    let mut rows = rows_of(files);
    rows.sort();
    rows.dedup_by(|a, b| a.0 == b.0);
    Mutations::from_sorted(rows.iter().map(|(key, value)| Mutation::Put(key, value))).unwrap()
}

/// Resident memory now and at its highest, in MB.
pub(crate) fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1000
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// CPU seconds of the process.
pub(crate) fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Frames in a map: the bare tree's store, with nothing durable and no checksums.
#[derive(Default)]
pub(crate) struct BareFrames(Mutex<HashMap<BlobGuid, Vec<u8>>>);

impl BlobStore for BareFrames {
    fn read_blob(&self, guid: BlobGuid, dst: &mut AlignedBlobBuf) -> holt::Result<()> {
        dst.as_mut_slice().copy_from_slice(&self.0.lock().unwrap()[&guid]);
        Ok(())
    }
    fn write_blob(&self, guid: BlobGuid, src: &AlignedBlobBuf) -> holt::Result<()> {
        self.0.lock().unwrap().insert(guid, src.as_slice().to_vec());
        Ok(())
    }
    fn delete_blob(&self, guid: BlobGuid) -> holt::Result<()> {
        self.0.lock().unwrap().remove(&guid);
        Ok(())
    }
    fn list_blobs(&self) -> holt::Result<Vec<BlobGuid>> {
        Ok(self.0.lock().unwrap().keys().copied().collect())
    }
    fn flush(&self) -> holt::Result<()> {
        Ok(())
    }
    fn needs_flush(&self) -> bool {
        false
    }
}
