//! Damage to the objects of checkpoints: found every time, never a wrong row.

use crate::checkpoints::{change, copy_objects, covered, keys, rows, spec};
use crate::log_damage::evidence;
use crate::rng::{Rng, times};
use crate::workload::WORKSPACE;
use nokv_journal::checkpoint::{CheckpointEntry, Head, Identity, restore, verify, write};
use nokv_journal::{ErrorKind, Result};
use nokv_object::memory::MemoryStore;
use nokv_object::{Key, ObjectStore, layout};
use nokv_types::failpoint;

fn written() -> (MemoryStore, CheckpointEntry) {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let entry = write(&objects, &spec(1), &rows(2000), &covered(5)).unwrap().entry;
    (objects, entry)
}

fn copy(objects: &MemoryStore) -> MemoryStore {
    let copied = MemoryStore::new();
    copy_objects(objects, &copied);
    copied
}

/// Follows HEAD to every row.
fn read_all(objects: &MemoryStore) -> Result<u64> {
    let mut count = 0;
    if let Some((head, _)) = Head::load(objects, WORKSPACE)? {
        for entry in &head.checkpoints {
            let manifest = verify(objects, WORKSPACE, entry)?;
            restore(objects, &manifest, &mut |batch| {
                count += batch.len() as u64;
                Ok(())
            })?;
        }
    }
    Ok(count)
}

#[test]
fn a_flipped_bit_anywhere_in_any_object_is_found() {
    let (objects, _) = written();
    assert_eq!(read_all(&objects).unwrap(), 2000);
    let mut dice = Rng::new(21);
    let all = keys(&objects);
    let mut positions = 0;
    for key in &all {
        let len = objects.get(key).unwrap().bytes.len() as u64;
        for _ in 0..len.min(25) * times("NOKV_DAMAGE_TIMES") {
            positions += 1;
            let (at, bit) = (dice.below(len) as usize, dice.below(8));
            let copied = copy(&objects);
            change(&copied, key, |bytes| bytes[at] ^= 1 << bit);
            let error = read_all(&copied).unwrap_err();
            assert_eq!(
                error.kind,
                ErrorKind::Corrupt,
                "bit {bit} of byte {at} of {}",
                key.as_str()
            );
        }
    }
    evidence(positions, "flipped bits in checkpoint objects", 2000);
}

#[test]
fn an_object_cut_at_any_length_is_found() {
    let (objects, _) = written();
    let mut dice = Rng::new(22);
    let mut positions = 0;
    for key in &keys(&objects) {
        let len = objects.get(key).unwrap().bytes.len() as u64;
        for _ in 0..12 * times("NOKV_DAMAGE_TIMES") {
            positions += 1;
            let cut = dice.below(len) as usize;
            let copied = copy(&objects);
            change(&copied, key, |bytes| bytes.truncate(cut));
            let error = read_all(&copied).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Corrupt, "{} cut to {cut}", key.as_str());
        }
    }
    evidence(positions, "cut checkpoint objects", 2000);
}

#[test]
fn a_missing_part_or_manifest_is_found() {
    let (objects, entry) = written();
    for key in [entry.name.part(1), entry.name.manifest()] {
        let copied = copy(&objects);
        copied.delete(&[key]).unwrap();
        assert_eq!(read_all(&copied).unwrap_err().kind, ErrorKind::Corrupt);
    }
}

#[test]
fn parts_that_changed_places_are_found() {
    let (objects, entry) = written();
    let (first, second) = (entry.name.part(0), entry.name.part(1));
    let bytes = objects.get(&second).unwrap().bytes;
    change(&objects, &first, |own| *own = bytes);
    assert_eq!(read_all(&objects).unwrap_err().kind, ErrorKind::Corrupt);
}

/// A store that damages a part when it is written.
#[derive(Debug)]
struct Lossy(MemoryStore);

impl ObjectStore for Lossy {
    fn put_if_absent(
        &self,
        key: &Key,
        bytes: &[u8],
        crc: u32,
    ) -> nokv_object::Result<nokv_object::PutOutcome> {
        let answer = self.0.put_if_absent(key, bytes, crc)?;
        if key.as_str().ends_with("part-00001") {
            change(&self.0, key, |bytes| bytes[70] ^= 1);
        }
        Ok(answer)
    }
    fn put_if_match(
        &self,
        key: &Key,
        bytes: &[u8],
        expected: Option<&nokv_object::ETag>,
    ) -> nokv_object::Result<nokv_object::ETag> {
        self.0.put_if_match(key, bytes, expected)
    }
    fn get(&self, key: &Key) -> nokv_object::Result<nokv_object::Object> {
        self.0.get(key)
    }
    fn get_range(&self, key: &Key, offset: u64, len: u64) -> nokv_object::Result<Vec<u8>> {
        self.0.get_range(key, offset, len)
    }
    fn head(&self, key: &Key) -> nokv_object::Result<Option<nokv_object::ObjectMeta>> {
        self.0.head(key)
    }
    fn delete(&self, keys: &[Key]) -> nokv_object::Result<()> {
        self.0.delete(keys)
    }
    fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> nokv_object::Result<Vec<nokv_object::Listed>> {
        self.0.list(prefix, after, limit)
    }
    fn sign(&self, request: &nokv_object::SignRequest<'_>) -> nokv_object::Result<nokv_object::SignedUrl> {
        self.0.sign(request)
    }
}

#[test]
fn a_checkpoint_that_reads_back_differently_does_not_count() {
    let (objects, good) = written();
    let lossy = Lossy(objects);
    let error = write(&lossy, &spec(2), &rows(2000), &covered(6)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    let (head, _) = Head::load(&lossy, WORKSPACE).unwrap().unwrap();
    assert_eq!(head.checkpoints, [good]);
    // Dying between the finding and the repair: the bad one stays listed, is refused, and the good one stays.
    failpoint::isolate();
    failpoint::arm("journal.checkpoint.unlist", 1, failpoint::Action::Crash);
    let error = write(&lossy, &spec(3), &rows(2000), &covered(6)).unwrap_err();
    assert!(failpoint::is_crash(&error), "{error}");
    failpoint::isolate();
    assert!(verify(&lossy, WORKSPACE, &good).is_ok());
}

#[test]
fn a_damaged_identity_is_found() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let identity = Identity {
        workspace: WORKSPACE,
        created_ns: 1,
        owner: "o".to_owned(),
    };
    identity.create(&objects).unwrap();
    let len = objects.get(&layout::identity()).unwrap().bytes.len();
    for at in 0..len {
        let copied = copy(&objects);
        change(&copied, &layout::identity(), |bytes| bytes[at] ^= 1);
        assert_eq!(
            Identity::load(&copied).unwrap_err().kind,
            ErrorKind::Corrupt,
            "byte {at}"
        );
    }
}
