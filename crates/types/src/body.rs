//! Bodies: which bytes of a file lie where.

use crate::ObjectId;

/// Size of a block object, in bytes; the last block of a body is shorter.
pub const BLOCK_BYTES: u64 = 4 << 20;
/// Bodies up to this many bytes travel inside the metadata row.
pub const INLINE_BYTES_MAX: usize = 4096;
/// Bodies up to this many bytes are packed with others into one object.
pub const PACKED_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a file that one body row covers.
pub const RANGE_BYTES: u64 = 256 << 20;
/// Largest length of a file (sparse): what a signed 64-bit offset can address.
pub const FILE_BYTES_MAX: u64 = i64::MAX as u64;

/// The digest of a stored range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// BLAKE3, 32 bytes.
    Blake3([u8; 32]),
    /// CRC32C, where the client streams.
    Crc32c(u32),
}

impl Digest {
    /// The BLAKE3 digest of `bytes`.
    pub fn blake3(bytes: &[u8]) -> Self {
        Self::Blake3(*blake3::hash(bytes).as_bytes())
    }

    /// The CRC32C of `bytes`.
    pub fn crc32c(bytes: &[u8]) -> Self {
        Self::Crc32c(crc32c::crc32c(bytes))
    }

    /// Whether `bytes` have this digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Blake3(_) => *self == Self::blake3(bytes),
            Self::Crc32c(_) => *self == Self::crc32c(bytes),
        }
    }
}

/// A window into a stored range of an object; overwrites cut the window, never the stored range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The object.
    pub object: ObjectId,
    /// Where the stored range starts in the object.
    pub stored_offset: u64,
    /// Length of the stored range, in bytes.
    pub stored_len: u32,
    /// Digest of the whole stored range.
    pub digest: Digest,
    /// Where the window starts in the stored range.
    pub window_offset: u32,
}

/// Where the bytes of an extent come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Stored in an object.
    Slice(Slice),
    /// In the metadata row itself.
    Inline(Vec<u8>),
}

/// A run of data in a file; what no extent covers is a hole that reads as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Offset in the file, in bytes.
    pub at: u64,
    /// Length, in bytes; at least 1.
    pub len: u32,
    /// Where the bytes are.
    pub source: Source,
}

impl Extent {
    /// The offset just behind the extent.
    pub fn end(&self) -> u64 {
        self.at + u64::from(self.len)
    }
}

/// What a reader needs to read a body: its length and the extents of the asked range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPlan {
    /// Length of the whole body at that generation, in bytes.
    pub size: u64,
    /// Extents in ascending order, not overlapping, cut to the asked range.
    pub extents: Vec<Extent>,
}
