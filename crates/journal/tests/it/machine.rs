//! A state machine for recovery: a model store that publishes itself into one file, and a hash over results.

use nokv_journal::recovery::{Frames, Machine};
use nokv_journal::{Covered, Disk, Error, Position, Result, Segment};
use nokv_store::{ErrorKind, ModelStore, Mutation, Mutations, Store};
use nokv_types::failpoint::hit;
use std::io;
use std::path::{Path, PathBuf};

use crate::sim::SimDisk;

/// The hash over all results so far stands for the dedupe window.
#[derive(Debug)]
pub(crate) struct ModelMachine {
    pub(crate) disk: SimDisk,
    pub(crate) window: [u8; 32],
    /// The folder of the store that is open.
    dir: PathBuf,
}

/// The window after one more segment.
pub(crate) fn window_after(window: [u8; 32], results: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&window);
    hasher.update(results);
    *hasher.finalize().as_bytes()
}

fn failed(error: io::Error) -> nokv_store::Error {
    nokv_store::Error::new(ErrorKind::Io, "publish", "model", error.to_string()).caused_by(error)
}

impl ModelMachine {
    pub(crate) fn new(disk: &SimDisk) -> Self {
        Self {
            disk: disk.clone(),
            window: [0; 32],
            dir: PathBuf::new(),
        }
    }

    pub(crate) fn covered(&self, at: Position, log_time_ns: u64) -> Covered {
        Covered {
            at,
            log_time_ns,
            extra: self.window.to_vec(),
        }
    }

    fn write(&self, store: &ModelStore, covered: &[u8]) -> io::Result<()> {
        let mut bytes = (covered.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(covered);
        for (key, value) in store.to_rows() {
            let row = Mutations::from_sorted([Mutation::Put(&key, &value)]).unwrap();
            bytes.extend_from_slice(&(row.as_bytes().len() as u32).to_le_bytes());
            bytes.extend_from_slice(row.as_bytes());
        }
        let digest = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&digest);
        hit("test.model.write")?;
        let temporary = self.dir.join("model.tmp");
        let file = self.disk.create(&temporary)?;
        file.write_at(&bytes, 0)?;
        file.sync_data()?;
        hit("test.model.rename")?;
        self.disk.rename(&temporary, &self.dir.join("model"))?;
        self.disk.sync_dir(&self.dir)
    }
}

impl Machine for ModelMachine {
    type Store = ModelStore;

    fn open(&mut self, dir: &Path) -> nokv_store::Result<Frames<ModelStore>> {
        self.dir = dir.to_path_buf();
        let store = ModelStore::new();
        let path = dir.join("model");
        if !self.disk.exists(&path).map_err(failed)? {
            self.disk.create_dir(dir).map_err(failed)?;
            self.disk.sync_dir(dir.parent().unwrap()).map_err(failed)?;
            return Ok(Frames::Fresh(store));
        }
        let corrupt = || nokv_store::Error::new(ErrorKind::Corrupt, "open", "model", "digest mismatch");
        let bytes = self.disk.bytes(&path);
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or_else(corrupt)?;
        if blake3::hash(body).as_bytes() != digest {
            return Err(corrupt());
        }
        let mut rest = body;
        let mut take = || {
            let (len, tail) = rest.split_first_chunk::<4>()?;
            let (front, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
            rest = tail;
            Some(front.to_vec())
        };
        let covered = take().unwrap();
        while let Some(row) = take() {
            store.apply(&Mutations::decode(&row)?)?;
        }
        Ok(Frames::Published(store, covered))
    }

    fn start_from(&mut self, _store: &ModelStore, covered: &Covered) -> Result<()> {
        self.window = covered.extra.as_slice().try_into().unwrap_or([0; 32]);
        Ok(())
    }

    fn replayed(&mut self, _store: &ModelStore, segment: &Segment<'_>) -> Result<()> {
        self.window = window_after(self.window, segment.results);
        Ok(())
    }

    fn publish(&mut self, store: &ModelStore, at: Position, log_time_ns: u64) -> Result<()> {
        let covered = self.covered(at, log_time_ns).encode();
        self.write(store, &covered)
            .map_err(|error| Error::from(failed(error)))
    }
}
