//! Reading and writing frames of the live state.

use super::publish::Held;
use super::slots::Slots;
use super::{Disk, FRAME_BYTES, FileName, Frame, FrameId};
use crate::{Error, ErrorKind, Result};
use nokv_types::failpoint::{self, Scope};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Sizes and counters of a frame store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameStats {
    /// Frames of the live state that have been written at least once.
    pub frames: usize,
    /// Slots in the file.
    pub slots: usize,
    /// Free slots that still hold blocks.
    pub slots_free: usize,
    /// Free slots whose blocks were given back.
    pub slots_punched: usize,
    /// Length of the frames file less what was given back, in bytes.
    pub file_bytes: u64,
    /// Frames read and verified.
    pub reads: u64,
    /// Frames written.
    pub writes: u64,
    /// Epoch of the published manifest.
    pub epoch: u64,
}

/// Frames written before they are synced: 2 MiB. A sync of the log waits for whatever the disk was handed before it.
const UNSYNCED_FRAMES_MAX: u32 = 4;

/// The live table: where the newest written image of each frame is.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) live: HashMap<FrameId, Frame>,
    pub(crate) slots: Slots,
    pub(crate) next_write: u64,
}

/// The store; see the module for its invariants.
#[derive(Debug)]
pub(crate) struct FrameStore {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) table: Arc<Mutex<Table>>,
    pub(super) published: Mutex<Arc<Held>>,
    pub(super) failed: AtomicBool,
    scope: Scope,
    unflushed: AtomicBool,
    closed: AtomicBool,
    /// Shared by writes under way: closing waits for them.
    writing: RwLock<()>,
    reads: AtomicU64,
    writes: AtomicU64,
    planner_asks: AtomicU32,
    /// Frames written between the last few flushes, newest last.
    drains: Mutex<Drains>,
    /// Frames written since the last sync.
    unsynced: Mutex<u32>,
}

/// A drain is a few waves of writes, children before parents, each ended by a flush.
#[derive(Debug, Default)]
struct Drains {
    counted: u64,
    waves: [usize; 4],
}

impl FrameStore {
    pub(super) fn new(disk: Arc<dyn Disk>, table: Arc<Mutex<Table>>, published: Held) -> Self {
        Self {
            disk,
            table,
            published: Mutex::new(Arc::new(published)),
            failed: AtomicBool::new(false),
            scope: failpoint::scope(),
            unflushed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            writing: RwLock::new(()),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            planner_asks: AtomicU32::new(0),
            drains: Mutex::default(),
            unsynced: Mutex::new(0),
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state that the manifest on disk names.
    pub(crate) fn published(&self) -> Arc<Held> {
        Arc::clone(&self.published.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the calling thread into the failpoint scope of this store's opener.
    pub(crate) fn enter(&self) -> failpoint::Entered {
        self.scope.enter()
    }

    /// From now on writes are dropped, and none is under way: the engine goes on draining until it is torn down,
    /// nothing that is not published by now ever will be, and the files may get another owner. What was dropped
    /// cannot be read again.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        drop(self.writing.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn contains(&self, id: &FrameId) -> bool {
        // What was dropped because the store is closed must not look lost to the engine's last drain.
        self.is_closed() || self.table().live.contains_key(id)
    }

    pub(crate) fn ids(&self) -> Vec<FrameId> {
        self.table().live.keys().copied().collect()
    }

    /// Whether something was written or deleted since [`FrameStore::flushed`]; the engine asks.
    pub(crate) fn unflushed(&self) -> bool {
        self.unflushed.load(Ordering::Acquire)
    }

    /// The engine wants its writes durable: they will be when the next manifest is published.
    pub(crate) fn flushed(&self) {
        self.unflushed.store(false, Ordering::Release);
        self.watch_drain();
        let mut drains = self.drains.lock().unwrap_or_else(PoisonError::into_inner);
        let writes = self.writes();
        let wave = (writes - drains.counted) as usize;
        drains.counted = writes;
        drains.waves.rotate_left(1);
        drains.waves[3] = wave;
    }

    /// Starts to watch for the end of the background drain.
    pub(crate) fn watch_drain(&self) {
        self.planner_asks.store(0, Ordering::Release);
    }

    /// The engine's drain planner asked whether a flush is owed.
    pub(crate) fn planner_asked(&self) {
        self.planner_asks.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether nothing was left to drain at some time since [`FrameStore::watch_drain`].
    ///
    /// The engine does not say what is dirty. But its planner asks for an owed flush once in a round that
    /// found dirty frames, which are then written, and again only when it found none: three times
    /// with no write in between (the first may belong to a round that began earlier) mean that all is clean. A later
    /// engine may ask otherwise; then publishing is slower or shuts scans out longer, and stays right.
    pub(crate) fn is_drained(&self) -> bool {
        self.planner_asks.load(Ordering::Acquire) >= 3
    }

    /// Frames that the last drain wrote, about: the engine does not tell what is dirty now.
    pub(crate) fn recent_drain(&self) -> usize {
        self.drains
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .waves
            .iter()
            .sum()
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Reads the newest image of a frame into `into`.
    ///
    /// # Errors
    /// `Corrupt` when the frame is not listed or does not match its checksum, `Io` from the disk, `Invalid` when the
    /// store is closed: the image there may be older than one that was dropped.
    pub(crate) fn read(&self, id: &FrameId, into: &mut [u8]) -> Result<()> {
        if self.is_closed() {
            let detail = "the store is closed";
            return Err(Error::new(ErrorKind::Invalid, "read frame", show(id), detail));
        }
        let mut frame = self.live_frame(id)?;
        loop {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let outcome = read_frame(&*self.disk, id, frame, into);
            if outcome.is_ok() {
                return outcome;
            }
            // The frame may have moved and its slot been taken by another one since we looked.
            let now = self.live_frame(id)?;
            if now == frame {
                return outcome;
            }
            frame = now;
        }
    }

    /// Reads a frame as it is in a held state.
    ///
    /// # Errors
    /// As [`FrameStore::read`].
    pub(crate) fn read_held(&self, state: &Held, id: &FrameId, into: &mut [u8]) -> Result<()> {
        let frame = state.frame(id).ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "read frame",
                show(id),
                "is not in the published state",
            )
        })?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        read_frame(&*self.disk, id, frame, into)
    }

    fn live_frame(&self, id: &FrameId) -> Result<Frame> {
        let frame = self.table().live.get(id).copied();
        frame.ok_or_else(|| Error::new(ErrorKind::Corrupt, "read frame", show(id), "is not in the store"))
    }

    /// Writes an image of a frame to a free slot and makes it the newest.
    ///
    /// # Errors
    /// `Full` and `Io` from the disk; the older image is untouched.
    pub(crate) fn write(&self, id: FrameId, bytes: &[u8]) -> Result<()> {
        let _writing = self.writing.read().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return Ok(());
        }
        let (slot, write) = {
            let mut table = self.table();
            table.next_write += 1;
            (table.slots.take(), table.next_write - 1)
        };
        let sum = Frame::checksum(&id, write, bytes);
        let frame = Frame { slot, write, sum };
        if let Err(error) = write_frame(&*self.disk, frame, bytes) {
            self.table().slots.release(slot);
            return Err(file_error("write frame", &show(&id), error));
        }
        let mut table = self.table();
        if let Some(older) = table.live.insert(id, frame) {
            table.slots.release(older.slot);
        }
        drop(table);
        self.unflushed.store(true, Ordering::Release);
        self.watch_drain();
        self.writes.fetch_add(1, Ordering::Release);
        self.bound_unsynced()
    }

    /// Syncs when enough was written: whoever writes frames pays for it, and the log's syncs find little in their way.
    fn bound_unsynced(&self) -> Result<()> {
        // Held during the sync, so that other writers of frames wait as well.
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        *unsynced += 1;
        if *unsynced >= UNSYNCED_FRAMES_MAX {
            *unsynced = 0;
            self.sync()?;
        }
        Ok(())
    }

    /// Takes a frame out of the live state; one that is not there is no error.
    pub(crate) fn delete(&self, id: &FrameId) {
        let mut table = self.table();
        if let Some(frame) = table.live.remove(id) {
            table.slots.release(frame.slot);
            self.unflushed.store(true, Ordering::Release);
        }
    }

    pub(crate) fn stats(&self) -> FrameStats {
        let epoch = self.published().epoch();
        let table = self.table();
        let (backed, holes) = table.slots.free();
        FrameStats {
            frames: table.live.len(),
            slots: table.slots.len(),
            slots_free: backed,
            slots_punched: holes,
            file_bytes: (table.slots.len() - holes) as u64 * FRAME_BYTES as u64,
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            epoch,
        }
    }
}

fn write_frame(disk: &dyn Disk, frame: Frame, bytes: &[u8]) -> io::Result<()> {
    const POINT: &str = "store.frame.write";
    if let Some(part) = failpoint::hit_write(POINT, bytes.len())? {
        disk.write_at(FileName::Frames, frame.offset(), &bytes[..part])?;
        return Err(failpoint::short_write(POINT));
    }
    disk.write_at(FileName::Frames, frame.offset(), bytes)
}

/// Reads and verifies one frame.
///
/// # Errors
/// `Corrupt` when the file ends inside the slot or the checksum does not match, `Io` from the disk.
pub(super) fn read_frame(disk: &dyn Disk, id: &FrameId, frame: Frame, into: &mut [u8]) -> Result<()> {
    let subject = || format!("{} in slot {}", show(id), frame.slot);
    let read = failpoint::hit("store.frame.read")
        .and_then(|()| disk.read_at(FileName::Frames, frame.offset(), into));
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let cause = Error::new(
                ErrorKind::Corrupt,
                "read frame",
                subject(),
                "the file ends inside the frame",
            );
            Err(cause.caused_by(error))
        }
        Err(error) => Err(file_error("read frame", &subject(), error)),
        Ok(()) if Frame::checksum(id, frame.write, into) != frame.sum => {
            let detail = "does not match its checksum: damaged, or an older frame in its place";
            Err(Error::new(ErrorKind::Corrupt, "read frame", subject(), detail))
        }
        Ok(()) => Ok(()),
    }
}

/// Wraps an error of the disk: no space left is `Full`, anything else `Io`.
pub(crate) fn file_error(op: &'static str, subject: &str, error: io::Error) -> Error {
    let (kind, detail) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (ErrorKind::Full, "no space left"),
        _ => (ErrorKind::Io, "the disk refused"),
    };
    Error::new(kind, op, subject, detail).caused_by(error)
}

/// A frame's name in messages.
pub(crate) fn show(id: &FrameId) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("frame ");
    for byte in id {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
