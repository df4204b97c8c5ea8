//! The durable implementation of the seam: one Holt tree over the frame store.
//!
//! Owns: the tree, how rows are stored in it, batches, consistent reads, and when the tree stands still to be
//! published. Must not know: what a row means, or the commit log. What survives a crash is the last
//! published state; the caller replays its log from there.
//!
//! Invariants:
//! * every change of the tree goes through one `Tree::atomic` (single puts defer and may livelock);
//! * the state that is captured for publishing is exact at a batch boundary;
//! * a value is handed out only if its checksum binds it to its key;
//! * an error of `Tree::atomic` leaves memory unknown: it is `Engine`, and the process ends.

mod blobs;
mod codec;
mod compact;
mod excluded;
mod overlay;
mod publish;
mod read;
mod settings;
mod view;
mod write;

pub use publish::{Frozen, Published};
pub use settings::Settings;
pub use view::PublishedView;

use crate::frames::{DirDisk, Disk, Found, FrameStats, FrameStore};
use crate::{Error, ErrorKind, Mutations, Result, Rows, Scan, Store, Visit};
use blobs::{LiveBlobs, engine_error};
use compact::Removed;
use holt::Tree;
use overlay::Overlay;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock};

/// How often a get that met a writer is repeated before the writer is excluded.
const TORN_GETS_MAX: u32 = 3;

/// What [`HoltStore::open`] found.
#[derive(Debug)]
pub enum Opened {
    /// Nothing was ever published: the store is empty, the log holds everything.
    Fresh(HoltStore),
    /// The published state; the log is replayed from what it covers.
    Existing {
        /// The store, in the published state.
        store: HoltStore,
        /// What the publisher said the state covers.
        covered: Vec<u8>,
        /// How many states were published before it.
        epoch: u64,
    },
    /// The files are damaged: quarantine the directory and rebuild. The error names frame and slot.
    Corrupt(Error),
}

/// Sizes and counters of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// The frame store underneath.
    pub frames: FrameStats,
    /// Bytes of the manifest on disk, near enough.
    pub manifest_bytes: u64,
    /// An estimate of the frames that are dirty now: those of the last drain.
    pub dirty_frames: usize,
    /// Memory held by batches that wait for a publish to end, in bytes.
    pub overlay_bytes: usize,
    /// Removed rows that are still in the tree, waiting for [`HoltStore::compact`]; at most, and in a store that was
    /// opened, not counting those that it was opened with.
    pub removed_rows: u64,
    /// Removed rows that scans stepped over since the store was opened: work that compaction saves.
    pub stepped_rows: u64,
}

/// The store; see the module.
pub struct HoltStore {
    tree: Tree,
    frames: Arc<FrameStore>,
    overlay: Overlay,
    removed: Removed,
    settings: Settings,
    writer: RwLock<()>,
    stamp: AtomicU64,
    /// Writers at the lock: the merge lets one pass between two of its steps.
    waiting: AtomicUsize,
    /// True while a state is frozen and merged back, or frames are compacted.
    publishing: Mutex<bool>,
    thawed: Condvar,
}

impl std::fmt::Debug for HoltStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("HoltStore")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl HoltStore {
    /// Opens the store in `dir`, creating it when it does not exist. The caller owns the directory.
    ///
    /// # Errors
    /// `TooNew` for files of a later format, `Io` and `Full` from the filesystem, `Engine` when the tree
    /// does not open. Damage is not an error but [`Opened::Corrupt`].
    pub fn open(dir: &Path, settings: Settings) -> Result<Opened> {
        let disk = DirDisk::open(dir)
            .map_err(|error| crate::frames::file_error("open", &dir.display().to_string(), error))?;
        Self::open_on(Arc::new(disk), settings)
    }

    /// Opens the store that `disk` holds.
    ///
    /// # Errors
    /// As [`HoltStore::open`].
    pub fn open_on(disk: Arc<dyn Disk>, settings: Settings) -> Result<Opened> {
        let found = match FrameStore::open(disk, settings.verify_on_open) {
            Err(error) if error.kind == ErrorKind::Corrupt => return Ok(Opened::Corrupt(error)),
            found => found?,
        };
        let (fresh, frames) = match found {
            Found::Fresh(frames) => (true, frames),
            Found::Published(frames) => (false, frames),
        };
        let published = frames.published();
        let store = match Self::over(frames, settings) {
            Err(error) if error.kind == ErrorKind::Corrupt => return Ok(Opened::Corrupt(error)),
            store => store?,
        };
        Ok(if fresh {
            Opened::Fresh(store)
        } else {
            Opened::Existing {
                store,
                covered: published.covered().to_vec(),
                epoch: published.epoch(),
            }
        })
    }

    fn over(frames: FrameStore, settings: Settings) -> Result<Self> {
        let frames = Arc::new(frames);
        let blobs = Arc::new(LiveBlobs(Arc::clone(&frames)));
        let tree = Tree::open_with_blob_store(settings.tree_config(), blobs)
            .map_err(|error| engine_error("open", "tree", error))?;
        Ok(Self {
            tree,
            frames,
            overlay: Overlay::default(),
            removed: Removed::default(),
            settings,
            writer: RwLock::new(()),
            stamp: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            publishing: Mutex::new(false),
            thawed: Condvar::new(),
        })
    }

    /// Reads every frame of the published state and checks it, beside running reads and writes.
    ///
    /// # Errors
    /// `Corrupt` naming the first bad frame and its slot, `Io` from the disk.
    pub fn verify(&self) -> Result<()> {
        self.frames.verify()
    }

    /// Gives the files up: nothing is written to them any more, though this lives on. Call it before another owner
    /// may come. Reads are answered from memory, or refused.
    pub fn close(&self) {
        self.frames.close();
    }

    /// Sizes and counters; cheap.
    pub fn stats(&self) -> StoreStats {
        let frames = self.frames.stats();
        StoreStats {
            frames,
            manifest_bytes: self.frames.published().encoded_len(),
            dirty_frames: self.frames.recent_drain(),
            overlay_bytes: self.overlay.bytes(),
            removed_rows: self.removed.rows(),
            stepped_rows: self.removed.stepped(),
        }
    }
}

impl HoltStore {
    /// A get that may have met a writer.
    ///
    /// The engine reads a frame without a latch and checks afterwards that no writer was in it. It copies the value
    /// after that check, so a get beside a writer may answer a torn value: its checksum says so. And on torn bytes
    /// it may panic, holding nothing. Either is a reason to read again.
    fn try_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let read = AssertUnwindSafe(|| read::get(&self.tree, &self.overlay, key));
        catch_unwind(read).unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Engine,
                "get",
                crate::error::show_key(key),
                "the engine panicked",
            ))
        })
    }
}

impl Drop for HoltStore {
    fn drop(&mut self) {
        // The engine writes its dirty frames once more while it stops; nothing could publish them.
        self.frames.close();
    }
}

impl Rows for HoltStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        for _ in 0..TORN_GETS_MAX {
            match self.try_get(key) {
                Err(error) if matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Engine) => {}
                answer => return answer,
            }
        }
        let _excluded = self.without_writer();
        self.try_get(key)
    }

    // Unlike a get, a scan of the engine copies each row under the frame's latch and looks at the frame's version
    // first: no row of it can be torn, and an error is one.
    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()> {
        let stepped = read::scan(&self.tree, &self.overlay, range, visit)?;
        self.removed.stepped_over(stepped);
        Ok(())
    }
}

impl Store for HoltStore {
    fn apply(&self, batch: &Mutations) -> Result<()> {
        self.apply_batch(batch)
    }

    fn stamp(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    fn exclude_writer(&self, read: &mut dyn FnMut()) {
        let _excluded = self.without_writer();
        read();
    }
}
