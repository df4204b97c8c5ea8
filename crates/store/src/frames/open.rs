//! Opening a frame store: what is found, and whether it can be trusted.

use super::manifest::Manifest;
use super::publish::Held;
use super::slots::Slots;
use super::store::{FrameStore, Table, file_error, read_frame};
use super::{Disk, FRAME_BYTES, FileName};
use crate::{Error, ErrorKind, Result};
use nokv_types::failpoint;
use std::sync::{Arc, Mutex};

/// Longest manifest that is read: 256 TiB of frames.
const MANIFEST_BYTES_MAX: u64 = 16 << 30;

/// What was found on the disk.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing was ever published here.
    Fresh(FrameStore),
    /// The newest published state.
    Published(FrameStore),
}

impl FrameStore {
    /// Opens what `disk` holds; with `verify`, every published frame is read and checked first.
    ///
    /// # Errors
    /// `Corrupt` for damage, `TooNew` for a later format, `Io` and `Full` from the disk.
    pub(crate) fn open(disk: Arc<dyn Disk>, verify: bool) -> Result<Found> {
        let frames_len = file_len(&*disk, FileName::Frames)?.unwrap_or(0);
        let Some(manifest_len) = file_len(&*disk, FileName::Manifest)? else {
            return Self::create(disk, frames_len).map(Found::Fresh);
        };
        let manifest = read_manifest(&*disk, manifest_len)?;
        let slots = u32::try_from(frames_len / FRAME_BYTES as u64)
            .map_err(|_| Error::new(ErrorKind::Corrupt, "open", "frames", "longer than 2^32 slots"))?;
        let table = Arc::new(Mutex::new(Table {
            live: manifest.frames.iter().map(|(id, frame)| (*id, *frame)).collect(),
            slots: Slots::of_file(slots),
            next_write: manifest.next_write,
        }));
        let published = Held::of_manifest(manifest, &table)?;
        let fresh = published.manifest.frames.is_empty();
        let store = Self::new(disk, table, published);
        {
            // The live state is a user of its slots beside the published one.
            let mut guard = store.table();
            let table = &mut *guard;
            for frame in table.live.values() {
                table.slots.retain(frame.slot);
            }
        }
        if verify {
            store.verify()?;
        }
        // Slots that were written and never published.
        store.give_back()?;
        Ok(if fresh {
            Found::Fresh(store)
        } else {
            Found::Published(store)
        })
    }

    fn create(disk: Arc<dyn Disk>, frames_len: u64) -> Result<Self> {
        if frames_len != 0 {
            let detail = "there are frames but no manifest";
            return Err(Error::new(ErrorKind::Corrupt, "open", "manifest", detail));
        }
        let wrap = |error| file_error("create", FileName::Frames.as_str(), error);
        failpoint::hit("store.frames.create").map_err(wrap)?;
        disk.set_len(FileName::Frames, 0).map_err(wrap)?;
        let table = Arc::new(Mutex::new(Table::default()));
        let nothing = Held::of_manifest(Manifest::default(), &table)?;
        let store = Self::new(disk, table, nothing);
        let first = store.capture(&[]);
        store.publish(first)?;
        Ok(store)
    }

    /// Reads every frame of the published state and checks it.
    ///
    /// # Errors
    /// `Corrupt` naming the first bad frame and its slot, `Io` from the disk.
    pub(crate) fn verify(&self) -> Result<()> {
        let published = self.published();
        let mut buffer = vec![0; FRAME_BYTES];
        let mut frames: Vec<_> = published.manifest.frames.iter().collect();
        frames.sort_unstable_by_key(|(_, frame)| frame.slot);
        for (id, frame) in frames {
            read_frame(&*self.disk, id, *frame, &mut buffer)?;
        }
        Ok(())
    }
}

fn file_len(disk: &dyn Disk, file: FileName) -> Result<Option<u64>> {
    disk.len(file)
        .map_err(|error| file_error("open", file.as_str(), error))
}

fn read_manifest(disk: &dyn Disk, len: u64) -> Result<Manifest> {
    if len > MANIFEST_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "open",
            "manifest",
            "impossibly long",
        ));
    }
    let mut bytes = vec![0; len as usize];
    disk.read_at(FileName::Manifest, 0, &mut bytes)
        .map_err(|error| file_error("open", "manifest", error))?;
    Manifest::decode(&bytes)
}
