//! Making the live state the published one, and giving back what no state uses any more.

use super::manifest::Manifest;
use super::store::{FrameStore, Table, file_error};
use super::{FRAME_BYTES, FileName, Frame, FrameId};
use crate::{Error, ErrorKind, Result};
use nokv_types::failpoint;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Free slots that keep their blocks, beside one in [`SPARE_SLOTS_RATIO`] of the frames in use: the next
/// drain then needs no new blocks. 16 slots are 8 MiB, 8 bytes a file at a million files.
const SPARE_SLOTS_MIN: usize = 16;
const SPARE_SLOTS_RATIO: usize = 64;

/// A state whose slots are held: captured to be published, published, or being read by a view.
#[derive(Debug)]
pub(crate) struct Held {
    pub(super) manifest: Manifest,
    table: Arc<Mutex<Table>>,
}

impl Held {
    /// Holds the slots of `manifest`, which must all exist.
    ///
    /// # Errors
    /// `Corrupt` when a slot is beyond the file or listed for two frames.
    pub(super) fn of_manifest(manifest: Manifest, table: &Arc<Mutex<Table>>) -> Result<Self> {
        let mut locked = table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots: Vec<u32> = manifest.frames.values().map(|frame| frame.slot).collect();
        slots.sort_unstable();
        let twice = slots.windows(2).any(|pair| pair[0] == pair[1]);
        let beyond = slots
            .last()
            .is_some_and(|last| *last as usize >= locked.slots.len());
        if twice || beyond {
            let detail = if twice {
                "lists a slot twice"
            } else {
                "lists a slot beyond the end of the frames file"
            };
            return Err(Error::new(ErrorKind::Corrupt, "open", "manifest", detail));
        }
        for slot in slots {
            locked.slots.retain(slot);
        }
        drop(locked);
        Ok(Self {
            manifest,
            table: Arc::clone(table),
        })
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.manifest.epoch
    }

    pub(crate) fn covered(&self) -> &[u8] {
        &self.manifest.covered
    }

    /// Bytes of the manifest that lists it.
    pub(crate) fn encoded_len(&self) -> u64 {
        self.manifest.encoded_len() as u64
    }

    pub(crate) fn ids(&self) -> Vec<FrameId> {
        self.manifest.frames.keys().copied().collect()
    }

    pub(crate) fn frame(&self, id: &FrameId) -> Option<Frame> {
        self.manifest.frames.get(id).copied()
    }

    pub(crate) fn contains(&self, id: &FrameId) -> bool {
        self.manifest.frames.contains_key(id)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        for frame in self.manifest.frames.values() {
            table.slots.release(frame.slot);
        }
    }
}

impl FrameStore {
    /// Takes the live state as it is now, to be published as covering `covered`.
    ///
    /// The caller knows that the live state is exact: the engine has nothing dirty and nobody writes.
    pub(crate) fn capture(&self, covered: &[u8]) -> Held {
        let epoch = self.published().epoch() + 1;
        let mut guard = self.table();
        let table = &mut *guard;
        for frame in table.live.values() {
            table.slots.retain(frame.slot);
        }
        let manifest = Manifest {
            epoch,
            next_write: table.next_write,
            covered: covered.to_vec(),
            frames: table.live.iter().map(|(id, frame)| (*id, *frame)).collect(),
        };
        Held {
            manifest,
            table: Arc::clone(&self.table),
        }
    }

    /// Makes a captured state the published one. One caller at a time.
    ///
    /// # Errors
    /// `Full` when the manifest does not fit on the disk: the older state stays published and the call
    /// can be repeated with a new capture. `Io` otherwise: what is durable is unknown, the process ends.
    pub(crate) fn publish(&self, held: Held) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            let detail = "an earlier sync failed; what the disk holds is unknown";
            return Err(Error::new(ErrorKind::Io, "publish", "manifest", detail));
        }
        let outcome = self.write_manifest(&held.manifest);
        if let Err(error) = outcome {
            if error.kind != ErrorKind::Full {
                self.failed.store(true, Ordering::Release);
            }
            return Err(error);
        }
        let older = {
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *published, Arc::new(held))
        };
        // Slots that only the older state used fall free here.
        drop(older);
        self.give_back()
    }

    /// Makes every frame written so far durable.
    ///
    /// # Errors
    /// `Io`, after which nothing is published any more: a failed sync forgets what it could not write.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = failpoint::hit("store.frames.sync").and_then(|()| self.disk.sync(FileName::Frames));
        synced.map_err(|error| {
            self.failed.store(true, Ordering::Release);
            let mut error = file_error("sync", FileName::Frames.as_str(), error);
            // A full disk at a sync is not a full disk before a write: the pages are lost already.
            error.kind = ErrorKind::Io;
            error
        })
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let step = |what: &'static str, run: &dyn Fn() -> io::Result<()>| {
            run().map_err(|error| file_error("publish", what, error))
        };
        self.sync()?;
        step("next manifest", &|| self.write_next(&manifest.encode()))?;
        step("next manifest", &|| {
            failpoint::hit("store.manifest.sync")?;
            self.disk.sync(FileName::NextManifest)
        })?;
        step("manifest", &|| {
            failpoint::hit("store.manifest.rename")?;
            self.disk.replace(FileName::NextManifest, FileName::Manifest)
        })?;
        step("directory", &|| {
            failpoint::hit("store.manifest.sync_dir")?;
            self.disk.sync_dir()
        })
        // The new manifest may be the durable one already: not repeatable.
        .map_err(|mut error| {
            error.kind = ErrorKind::Io;
            error
        })
    }

    fn write_next(&self, bytes: &[u8]) -> io::Result<()> {
        const POINT: &str = "store.manifest.write";
        self.disk.set_len(FileName::NextManifest, 0)?;
        if let Some(part) = failpoint::hit_write(POINT, bytes.len())? {
            self.disk.write_at(FileName::NextManifest, 0, &bytes[..part])?;
            return Err(failpoint::short_write(POINT));
        }
        self.disk.write_at(FileName::NextManifest, 0, bytes)
    }

    /// Cuts the free tail of the frames file and punches free slots above the spare ones.
    pub(super) fn give_back(&self) -> Result<()> {
        let wrap = |error| file_error("give back", FileName::Frames.as_str(), error);
        {
            // Under the lock, so that nobody extends the file between the decision and the cut.
            let mut table = self.table();
            if let Some(len) = table.slots.cut_tail() {
                let len = u64::from(len) * FRAME_BYTES as u64;
                failpoint::hit("store.frames.cut").map_err(wrap)?;
                self.disk.set_len(FileName::Frames, len).map_err(wrap)?;
            }
        }
        let runs = {
            let mut table = self.table();
            let spare = SPARE_SLOTS_MIN.max(table.live.len() / SPARE_SLOTS_RATIO);
            table.slots.surplus(spare)
        };
        for run in runs {
            let punch = || {
                failpoint::hit("store.frames.punch")?;
                let offset = u64::from(run.0) * FRAME_BYTES as u64;
                self.disk
                    .punch(FileName::Frames, offset, u64::from(run.1) * FRAME_BYTES as u64)
            };
            let outcome = punch();
            self.table().slots.punched(run);
            outcome.map_err(wrap)?;
        }
        Ok(())
    }
}
