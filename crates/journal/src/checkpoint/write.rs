//! Writing a checkpoint so that it counts: parts, MANIFEST, HEAD, read back, and only then the old ones go.

use super::head::{CheckpointEntry, Head};
use super::manifest::{Manifest, PARTS_MAX, PartEntry};
use super::objects;
use super::part::PartBuilder;
use super::restore::{find_by_listing, verify};
use super::{CHECKPOINTS_KEPT, PART_BYTES};
use crate::{Covered, Error, ErrorKind, Result, WorkspaceId};
use nokv_object::layout::{self, CheckpointName};
use nokv_object::{ETag, Key, LIST_LIMIT_MAX, ObjectStore};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::failpoint::hit;

/// Most checkpoints that a damaged HEAD is made again from, the newest.
const FOUND_MAX: usize = 32;

/// What the caller decides about a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointSpec {
    /// Whose rows.
    pub workspace: WorkspaceId,
    /// The ownership term of the writer.
    pub epoch: u64,
    /// A fresh random number: keeps attempts apart.
    pub rand: u32,
    /// Wall time, nanoseconds since 1970.
    pub wall_time_ns: u64,
    /// Size of a part before compression, normally [`PART_BYTES`].
    pub part_bytes: usize,
    /// How many checkpoints stay listed, normally [`CHECKPOINTS_KEPT`]; never fewer than that.
    pub keep: usize,
}

impl CheckpointSpec {
    /// The defaults.
    pub fn new(workspace: WorkspaceId, epoch: u64, rand: u32, wall_time_ns: u64) -> Self {
        Self {
            workspace,
            epoch,
            rand,
            wall_time_ns,
            part_bytes: PART_BYTES,
            keep: CHECKPOINTS_KEPT,
        }
    }
}

/// A checkpoint that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// As HEAD lists it.
    pub entry: CheckpointEntry,
    /// The log may be trimmed up to this segment, as far as this crate's checkpoints need it.
    pub log_floor: u64,
    /// Rows in it.
    pub rows: u64,
    /// Parts of it.
    pub parts: u64,
    /// Bytes of its objects.
    pub stored_bytes: u64,
    /// Objects of older or unfinished checkpoints that were deleted.
    pub deleted_objects: u64,
    /// HEAD as it is now.
    pub head: Head,
}

/// Writes every row of `rows`, one consistent view that contains exactly what `covered` says.
///
/// # Errors
/// `Fenced` when a newer epoch wrote HEAD; `Corrupt` when what was read back did not match (it then does
/// not count); `Conflict`, `Object`, `Full`, `Store`. After an error the older checkpoints still count and
/// nothing is listed that was not verified, except where the process died in between.
///
/// # Durability
/// After `Ok` a restore finds it.
pub fn write(
    objects: &dyn ObjectStore,
    spec: &CheckpointSpec,
    rows: &dyn Rows,
    covered: &Covered,
) -> Result<Written> {
    write_beside(objects, spec, &|_| true, rows, covered)
}

/// As [`write()`], where every checkpoint that HEAD lists is `known` to the writer: another one was written by somebody
/// who uses the store beside it.
///
/// # Errors
/// As there; `Fenced` also for an unknown checkpoint. Nothing was changed then.
pub fn write_beside(
    objects: &dyn ObjectStore,
    spec: &CheckpointSpec,
    known: &dyn Fn(&CheckpointEntry) -> bool,
    rows: &dyn Rows,
    covered: &Covered,
) -> Result<Written> {
    let (head, tag) = current(objects, spec, known)?;
    let name = CheckpointName {
        seq: covered.at.seq,
        epoch: spec.epoch,
        rand: spec.rand,
    };
    let parts = put_parts(objects, spec, name, rows)?;
    let manifest = Manifest {
        workspace: spec.workspace,
        name,
        wall_time_ns: spec.wall_time_ns,
        covered: covered.clone(),
        parts,
    };
    let bytes = manifest.encode();
    point("journal.checkpoint.manifest", &name.manifest())?;
    objects::create(objects, &name.manifest(), &bytes)?;
    let entry = CheckpointEntry {
        name,
        at: covered.at,
        slot: None,
        manifest_digest: *blake3::hash(&bytes).as_bytes(),
    };
    let (head, tag) = list(objects, spec, head, tag, entry)?;
    if let Err(error) = verify(objects, spec.workspace, &entry) {
        unlist(objects, head, &tag, &entry)?;
        return Err(error);
    }
    let head = retire(objects, spec, head, &tag, &entry)?;
    let stored: u64 = manifest.parts.iter().map(|part| part.stored_bytes).sum();
    Ok(Written {
        entry,
        log_floor: head.log_floor,
        rows: manifest.rows(),
        parts: manifest.parts.len() as u64,
        stored_bytes: stored + bytes.len() as u64,
        deleted_objects: sweep(objects, spec, &head)?,
        head,
    })
}

fn point(name: &'static str, key: &Key) -> Result<()> {
    hit(name).map_err(|error| Error::io("checkpoint", key.as_str(), error))
}

/// HEAD as it is. One that is damaged is made again from the manifests that are there; its tag lets it be replaced.
fn current(
    objects: &dyn ObjectStore,
    spec: &CheckpointSpec,
    known: &dyn Fn(&CheckpointEntry) -> bool,
) -> Result<(Head, Option<ETag>)> {
    let fenced = |why: String| Error::new(ErrorKind::Fenced, "checkpoint", layout::head().as_str(), why);
    let (head, tag) = match Head::load(objects, spec.workspace) {
        Ok(Some((head, tag))) => (head, Some(tag)),
        Ok(None) => (Head::empty(spec.workspace, spec.epoch), None),
        Err(error) if error.kind == ErrorKind::Corrupt => return found_again(objects, spec),
        Err(error) => return Err(error),
    };
    if head.epoch > spec.epoch {
        let why = format!("epoch {} wrote it, ours is {}", head.epoch, spec.epoch);
        return Err(fenced(why));
    }
    if let Some(entry) = head.checkpoints.iter().find(|entry| !known(entry)) {
        return Err(fenced(entry.foreign()));
    }
    Ok((head, tag))
}

/// The HEAD that lists what it may have listed: where it is damaged, nobody knows which of them counted, and what does
/// not verify is dropped when the older ones retire.
fn found_again(objects: &dyn ObjectStore, spec: &CheckpointSpec) -> Result<(Head, Option<ETag>)> {
    let meta = objects.head(&layout::head());
    let meta = meta.map_err(|error| objects::failed("read", &layout::head(), error))?;
    let mut head = Head::empty(spec.workspace, spec.epoch);
    head.checkpoints = find_by_listing(objects, spec.workspace)?;
    head.checkpoints.retain(|entry| entry.name.epoch <= spec.epoch);
    head.checkpoints.truncate(FOUND_MAX);
    Ok((head, meta.map(|meta| meta.etag)))
}

/// Puts the parts; one part in memory at a time.
fn put_parts(
    objects: &dyn ObjectStore,
    spec: &CheckpointSpec,
    name: CheckpointName,
    rows: &dyn Rows,
) -> Result<Vec<PartEntry>> {
    let mut parts = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let builder = gather(rows, after.as_deref(), spec.part_bytes)?;
        if builder.rows == 0 {
            return Ok(parts);
        }
        if parts.len() as u32 == PARTS_MAX {
            return Err(Error::new(
                ErrorKind::Invalid,
                "checkpoint",
                name.prefix(),
                "too many parts",
            ));
        }
        after = Some(builder.last_key().to_vec());
        let number = parts.len() as u32;
        let rows = builder.rows;
        let (object, raw_bytes) = builder.finish(spec.workspace, name, number)?;
        point("journal.checkpoint.part", &name.part(number))?;
        objects::create(objects, &name.part(number), &object)?;
        parts.push(PartEntry {
            stored_bytes: object.len() as u64,
            raw_bytes,
            rows,
            digest: *blake3::hash(&object).as_bytes(),
        });
    }
}

/// The rows after a key, until a part is full.
fn gather(rows: &dyn Rows, after: Option<&[u8]>, part_bytes: usize) -> Result<PartBuilder> {
    let mut builder = PartBuilder::new();
    let mut failed = None;
    let range = Scan { prefix: b"", after };
    rows.scan(range, &mut |key, value| {
        if let Err(error) = builder.push(key, value) {
            failed = Some(error);
        }
        if failed.is_some() || builder.raw_len() >= part_bytes {
            Visit::Stop
        } else {
            Visit::Next
        }
    })?;
    failed.map_or(Ok(builder), Err)
}

/// Writes a HEAD that lists the new checkpoint first, beside all older ones.
fn list(
    objects: &dyn ObjectStore,
    spec: &CheckpointSpec,
    mut head: Head,
    tag: Option<ETag>,
    entry: CheckpointEntry,
) -> Result<(Head, ETag)> {
    head.epoch = spec.epoch;
    head.checkpoints.insert(0, entry);
    head.checkpoints
        .sort_by_key(|entry| std::cmp::Reverse(entry.at.seq));
    point("journal.checkpoint.head", &layout::head())?;
    let tag = head.swap(objects, tag.as_ref())?;
    point("journal.checkpoint.verify", &layout::head())?;
    match Head::load(objects, spec.workspace)? {
        Some((found, tag)) if found == head => Ok((head, tag)),
        _ => {
            let why = format!("read back with other content after tag {}", tag.0);
            Err(Error::new(
                ErrorKind::Conflict,
                "checkpoint",
                layout::head().as_str(),
                why,
            ))
        }
    }
}

/// Takes a checkpoint that did not verify out of HEAD again.
fn unlist(objects: &dyn ObjectStore, mut head: Head, tag: &ETag, entry: &CheckpointEntry) -> Result<()> {
    head.checkpoints.retain(|listed| listed != entry);
    point("journal.checkpoint.unlist", &layout::head())?;
    head.swap(objects, Some(tag)).map(drop)
}

/// Writes a HEAD without the checkpoints that are too many, and with the floor that follows. An older one is
/// kept only if it still verifies: two good ones are what the floor rests on.
fn retire(
    objects: &dyn ObjectStore,
    spec: &CheckpointSpec,
    mut head: Head,
    tag: &ETag,
    fresh: &CheckpointEntry,
) -> Result<Head> {
    let before = head.clone();
    let mut kept = Vec::new();
    for entry in std::mem::take(&mut head.checkpoints) {
        let wanted = kept.len() < spec.keep.max(CHECKPOINTS_KEPT);
        if wanted && (entry == *fresh || still_good(objects, spec, &entry)?) {
            kept.push(entry);
        }
    }
    head.checkpoints = kept;
    // With fewer than two the log must reach back to its beginning: the only one may be damaged.
    let enough = head.checkpoints.len() >= CHECKPOINTS_KEPT;
    if let Some(oldest) = head.checkpoints.last().filter(|_| enough) {
        head.log_floor = head.log_floor.max(oldest.at.seq);
    }
    if head != before {
        point("journal.checkpoint.retire", &layout::head())?;
        head.swap(objects, Some(tag))?;
    }
    Ok(head)
}

fn still_good(objects: &dyn ObjectStore, spec: &CheckpointSpec, entry: &CheckpointEntry) -> Result<bool> {
    match verify(objects, spec.workspace, entry) {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ErrorKind::Corrupt => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes what HEAD does not list: retired checkpoints and the remains of attempts that died. What a newer
/// epoch writes is left alone.
fn sweep(objects: &dyn ObjectStore, spec: &CheckpointSpec, head: &Head) -> Result<u64> {
    let mut after: Option<Key> = None;
    let mut deleted = 0;
    loop {
        let page = objects.list(layout::CHECKPOINT_PREFIX, after.as_ref(), LIST_LIMIT_MAX);
        let page = page.map_err(|error| objects::failed("list", &layout::head(), error))?;
        let garbage = |key: &Key| {
            CheckpointName::parse(key).is_some_and(|name| {
                name.epoch <= spec.epoch && !head.checkpoints.iter().any(|entry| entry.name == name)
            })
        };
        let gone: Vec<Key> = page.iter().map(|item| item.key.clone()).filter(garbage).collect();
        if !gone.is_empty() {
            point("journal.checkpoint.delete", &gone[0])?;
            objects
                .delete(&gone)
                .map_err(|error| objects::failed("delete", &gone[0], error))?;
            deleted += gone.len() as u64;
        }
        let Some(last) = page.last().filter(|_| page.len() == LIST_LIMIT_MAX) else {
            return Ok(deleted);
        };
        after = Some(last.key.clone());
    }
}
