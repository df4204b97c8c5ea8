//! Reading a checkpoint back: all of it is verified before the first row is used.

use super::head::CheckpointEntry;
use super::manifest::Manifest;
use super::objects;
use super::part::{each_batch, unpack};
use crate::{Covered, Error, Result, WorkspaceId};
use nokv_object::layout::{self, CheckpointName};
use nokv_object::{Key, LIST_LIMIT_MAX, ObjectStore};
use nokv_store::Mutations;

/// Reads the MANIFEST of a listed checkpoint.
///
/// # Errors
/// `Corrupt` when it is missing, damaged or not the one that is listed; `TooNew`, `Object`.
pub fn load_manifest(
    objects: &dyn ObjectStore,
    workspace: WorkspaceId,
    entry: &CheckpointEntry,
) -> Result<Manifest> {
    let key = entry.name.manifest();
    let corrupt = |why: &str| Error::corrupt("read", key.as_str(), why);
    let (bytes, _) = objects::get(objects, &key)?.ok_or_else(|| corrupt("missing"))?;
    if *blake3::hash(&bytes).as_bytes() != entry.manifest_digest {
        return Err(corrupt("digest mismatch"));
    }
    let manifest = Manifest::decode(&bytes, key.as_str())?;
    if manifest.workspace != workspace || manifest.name != entry.name || manifest.covered.at != entry.at {
        return Err(corrupt("is another checkpoint's"));
    }
    Ok(manifest)
}

/// Reads a checkpoint and compares everything with its digests.
///
/// # Errors
/// As [`load_manifest`], and `Corrupt` for a part.
pub fn verify(
    objects: &dyn ObjectStore,
    workspace: WorkspaceId,
    entry: &CheckpointEntry,
) -> Result<Manifest> {
    let manifest = load_manifest(objects, workspace, entry)?;
    for number in 0..manifest.parts.len() {
        read_part(objects, &manifest, number)?;
    }
    Ok(manifest)
}

/// Hands every row to `sink`, in key order, in batches that can be applied one after the other.
///
/// # Errors
/// As [`verify`]; errors of `sink`. Rows handed out before an error were good, but the whole is not: start
/// again on an empty store.
pub fn restore(
    objects: &dyn ObjectStore,
    manifest: &Manifest,
    sink: &mut dyn FnMut(&Mutations) -> Result<()>,
) -> Result<Covered> {
    for number in 0..manifest.parts.len() {
        let key = manifest.name.part(number as u32);
        let object = read_part(objects, manifest, number)?;
        let raw = unpack(
            &object,
            (manifest.workspace, manifest.name, number as u32),
            key.as_str(),
        )?;
        drop(object);
        let mut rows = 0;
        each_batch(&raw, key.as_str(), &mut |batch| {
            rows += batch.len() as u64;
            sink(batch)
        })?;
        if rows != manifest.parts[number].rows {
            return Err(Error::corrupt(
                "read",
                key.as_str(),
                "number of rows differs from the manifest",
            ));
        }
    }
    Ok(manifest.covered.clone())
}

fn read_part(objects: &dyn ObjectStore, manifest: &Manifest, number: usize) -> Result<Vec<u8>> {
    let key = manifest.name.part(number as u32);
    let (bytes, _) =
        objects::get(objects, &key)?.ok_or_else(|| Error::corrupt("read", key.as_str(), "missing"))?;
    if *blake3::hash(&bytes).as_bytes() != manifest.parts[number].digest {
        return Err(Error::corrupt("read", key.as_str(), "digest mismatch"));
    }
    Ok(bytes)
}

/// The checkpoints that a listing shows, newest first: for the case that HEAD is damaged. Their manifests
/// are good, their parts not looked at.
///
/// # Errors
/// `Object`. Damaged manifests are left out.
pub fn find_by_listing(objects: &dyn ObjectStore, workspace: WorkspaceId) -> Result<Vec<CheckpointEntry>> {
    let mut after: Option<Key> = None;
    let mut found: Vec<CheckpointEntry> = Vec::new();
    loop {
        let page = objects.list(layout::CHECKPOINT_PREFIX, after.as_ref(), LIST_LIMIT_MAX);
        let page = page.map_err(|error| objects::failed("list", &layout::head(), error))?;
        for item in &page {
            let name = CheckpointName::parse(&item.key).filter(|name| name.manifest() == item.key);
            let Some(name) = name else { continue };
            let Some((bytes, _)) = objects::get(objects, &item.key)? else {
                continue;
            };
            if let Ok(manifest) = Manifest::decode(&bytes, item.key.as_str())
                && manifest.workspace == workspace
                && manifest.name == name
            {
                found.push(CheckpointEntry {
                    name,
                    at: manifest.covered.at,
                    slot: None,
                    manifest_digest: *blake3::hash(&bytes).as_bytes(),
                });
            }
        }
        let Some(last) = page.last().filter(|_| page.len() == LIST_LIMIT_MAX) else {
            found.sort_by_key(|entry| std::cmp::Reverse((entry.at.seq, entry.name.epoch)));
            return Ok(found);
        };
        after = Some(last.key.clone());
    }
}
