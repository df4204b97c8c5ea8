//! One part: rows in key order, in batches of the log's own encoding, compressed.

use super::{PART_ZSTD_LEVEL, RESTORE_BATCH_BYTES};
use crate::fields::Fields;
use crate::{Error, Result, WorkspaceId};
use nokv_object::layout::CheckpointName;
use nokv_store::{Mutation, Mutations};

const MAGIC: [u8; 8] = *b"NoKVpart";
const FORMAT: u16 = 1;
const HEADER_BYTES: usize = 64;
/// No part is larger before compression than the default size and one row; larger claims are damage.
const RAW_BYTES_MAX: u32 = 64 << 20;

/// Gathers rows until a part is full.
#[derive(Debug)]
pub(super) struct PartBuilder {
    raw: Vec<u8>,
    batch: Mutations,
    last: Vec<u8>,
    pub(super) rows: u64,
}

impl PartBuilder {
    pub(super) fn new() -> Self {
        Self {
            raw: Vec::new(),
            batch: Mutations::new(),
            last: Vec::new(),
            rows: 0,
        }
    }

    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.batch.push(&mut self.last, Mutation::Put(key, value))?;
        self.rows += 1;
        if self.batch.as_bytes().len() >= RESTORE_BATCH_BYTES {
            self.end_batch();
        }
        Ok(())
    }

    pub(super) fn raw_len(&self) -> usize {
        self.raw.len() + self.batch.as_bytes().len()
    }

    /// The last key that was pushed.
    pub(super) fn last_key(&self) -> &[u8] {
        &self.last
    }

    fn end_batch(&mut self) {
        let bytes = self.batch.as_bytes();
        self.raw.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.raw.extend_from_slice(bytes);
        self.batch = Mutations::new();
    }

    /// The finished object and its length before compression.
    pub(super) fn finish(
        mut self,
        workspace: WorkspaceId,
        name: CheckpointName,
        number: u32,
    ) -> Result<(Vec<u8>, u64)> {
        if !self.batch.is_empty() {
            self.end_batch();
        }
        let failed = |error: std::io::Error| Error::io("compress", "checkpoint part", error);
        let packed = zstd::bulk::compress(&self.raw, PART_ZSTD_LEVEL).map_err(failed)?;
        let mut out = Vec::with_capacity(HEADER_BYTES + packed.len() + 4);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&workspace.0);
        out.extend_from_slice(&name.seq.to_le_bytes());
        out.extend_from_slice(&name.epoch.to_le_bytes());
        out.extend_from_slice(&(self.raw.len() as u32).to_le_bytes());
        out.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        out.extend_from_slice(&name.rand.to_le_bytes());
        let header_crc = crc32c::crc32c(&out);
        out.extend_from_slice(&header_crc.to_le_bytes());
        debug_assert_eq!(out.len(), HEADER_BYTES);
        out.extend_from_slice(&packed);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        Ok((out, self.raw.len() as u64))
    }
}

/// The rows of a part before compression, in batches.
pub(super) fn unpack(
    object: &[u8],
    expected: (WorkspaceId, CheckpointName, u32),
    subject: &str,
) -> Result<Vec<u8>> {
    let corrupt = |why: &str| Error::corrupt("read", subject, why);
    let header = object.get(..HEADER_BYTES).ok_or_else(|| corrupt("cut short"))?;
    let (summed, crc) = header
        .split_last_chunk::<4>()
        .ok_or_else(|| corrupt("cut short"))?;
    if crc32c::crc32c(summed) != u32::from_le_bytes(*crc) {
        return Err(corrupt("header checksum mismatch"));
    }
    let mut fields = Fields::new(summed);
    if fields.array() != Some(MAGIC) || fields.u16() != Some(FORMAT) {
        return Err(corrupt("not a checkpoint part of this format"));
    }
    let mut take = || {
        fields.raw(2)?;
        let number = fields.u32()?;
        let workspace = WorkspaceId(fields.array()?);
        let (seq, epoch) = (fields.u64()?, fields.u64()?);
        let (raw_len, packed_len) = (fields.u32()?, fields.u32()?);
        let name = CheckpointName {
            seq,
            epoch,
            rand: fields.u32()?,
        };
        Some(((workspace, name, number), raw_len, packed_len))
    };
    let (found, raw_len, packed_len) = take().ok_or_else(|| corrupt("malformed header"))?;
    if found != expected {
        return Err(corrupt("belongs to another checkpoint or place"));
    }
    let packed_end = HEADER_BYTES + packed_len as usize;
    if raw_len > RAW_BYTES_MAX || object.len() != packed_end + 4 {
        return Err(corrupt("length mismatch"));
    }
    let (summed, crc) = object.split_at(packed_end);
    if crc32c::crc32c(summed).to_le_bytes() != crc {
        return Err(corrupt("checksum mismatch"));
    }
    let raw = zstd::bulk::decompress(&summed[HEADER_BYTES..], raw_len as usize)
        .map_err(|error| corrupt("cannot be decompressed").caused_by(error))?;
    if raw.len() != raw_len as usize {
        return Err(corrupt("length mismatch"));
    }
    Ok(raw)
}

/// Delivers the batches in `raw`.
pub(super) fn each_batch(
    raw: &[u8],
    subject: &str,
    sink: &mut dyn FnMut(&Mutations) -> Result<()>,
) -> Result<()> {
    let mut rest = Fields::new(raw);
    while let Some(bytes) = rest.long_bytes() {
        sink(&Mutations::decode(bytes)?)?;
    }
    rest.finish()
        .ok_or_else(|| Error::corrupt("read", subject, "malformed batches"))
}
