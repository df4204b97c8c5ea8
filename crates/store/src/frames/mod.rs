//! The frame store: checksummed frames of 512 KiB, written to shadow slots, published by one manifest.
//!
//! Owns the files `frames` and `manifest` of a directory. Must not know what a frame contains.
//!
//! Invariants:
//! * a frame is written to a slot that nobody uses: not the live state, not the published manifest, not
//!   a captured state on its way to be published, not a view that still reads an older manifest;
//! * the manifest is replaced by one rename, after everything that it lists is durable; a crash at any
//!   point leaves the old state or the new one, never a mixture;
//! * every frame carries a CRC32C over (id, write number, bytes), kept in the live table and in the
//!   manifest, so that neither a damaged frame nor an older frame in its place is ever handed out;
//! * a manifest (of no frames) is durable before the first frame is written: frames without a manifest
//!   are a lost manifest, not a new store.

mod disk;
mod manifest;
mod open;
mod publish;
mod slots;
mod store;

pub use disk::{DirDisk, Disk, FileName};
pub(crate) use manifest::COVERED_BYTES_MAX;
pub(crate) use open::Found;
pub(crate) use publish::Held;
pub use store::FrameStats;
pub(crate) use store::{FrameStore, file_error};

#[cfg(any(test, feature = "testing"))]
mod sim;
#[cfg(any(test, feature = "testing"))]
mod sim_file;
#[cfg(any(test, feature = "testing"))]
pub use sim::SimDisk;

/// Bytes of a frame and of a slot.
pub(crate) const FRAME_BYTES: usize = 512 * 1024;

/// The engine's name of a frame; the root is all zeroes.
pub(crate) type FrameId = [u8; 16];

/// Where a frame is, and what must be found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Index of the slot in the frames file.
    pub(crate) slot: u32,
    /// Number of the write that put it there; no two writes of a store share one.
    pub(crate) write: u64,
    /// CRC32C over (id, write number, bytes).
    pub(crate) sum: u32,
}

impl Frame {
    pub(crate) fn offset(self) -> u64 {
        u64::from(self.slot) * FRAME_BYTES as u64
    }

    /// The checksum that binds `bytes` to the frame's name and to one write of it.
    pub(crate) fn checksum(id: &FrameId, write: u64, bytes: &[u8]) -> u32 {
        let bound = crc32c::crc32c_append(crc32c::crc32c(id), &write.to_le_bytes());
        crc32c::crc32c_append(bound, bytes)
    }
}
