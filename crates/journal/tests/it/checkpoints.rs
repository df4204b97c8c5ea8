//! Checkpoints that count, HEAD, IDENTITY, and what is left in the object store.

use crate::workload::{WORKSPACE, World};
use nokv_journal::checkpoint::{
    CheckpointEntry, CheckpointSpec, Head, Identity, Manifest, restore, verify, write, write_beside,
};
use nokv_journal::{Chain, Covered, ErrorKind, Position, WorkspaceId};
use nokv_object::memory::MemoryStore;
use nokv_object::{Key, ObjectStore, layout};
use nokv_store::{ModelStore, Mutation, Mutations, Store};
use nokv_types::{Version, failpoint};

/// The names of all objects of the metadata.
pub(crate) fn keys(objects: &MemoryStore) -> Vec<Key> {
    let page = objects.list("meta/", None, 1000).unwrap();
    page.into_iter().map(|item| item.key).collect()
}

pub(crate) fn copy_objects(from: &MemoryStore, to: &MemoryStore) {
    for key in keys(from) {
        let bytes = from.get(&key).unwrap().bytes;
        to.put_if_match(&key, &bytes, None).unwrap();
    }
}

/// Changes an object behind everyone's back.
pub(crate) fn change(objects: &MemoryStore, key: &Key, change: impl FnOnce(&mut Vec<u8>)) {
    let object = objects.get(key).unwrap();
    let mut bytes = object.bytes;
    change(&mut bytes);
    objects.put_if_match(key, &bytes, Some(&object.etag)).unwrap();
}

/// Flips a bit in an object of the checkpoint of segment `seq`.
pub(crate) fn damage(objects: &MemoryStore, seq: u64, name: &str) {
    let prefix = format!("meta/ckpt/{seq:016x}-");
    let wanted = |key: &&Key| key.as_str().starts_with(&prefix) && key.as_str().ends_with(name);
    let key = keys(objects).iter().find(wanted).cloned().unwrap();
    change(objects, &key, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 8;
    });
}

pub(crate) fn damage_head(objects: &MemoryStore) {
    change(objects, &layout::head(), |bytes| bytes[30] ^= 1);
}

pub(crate) fn rows(count: u32) -> ModelStore {
    let store = ModelStore::new();
    let rows: Vec<_> = (0..count)
        .map(|n| (format!("row-{n:06}"), format!("{}", n * 7).repeat(5)))
        .collect();
    let puts = rows
        .iter()
        .map(|(key, value)| Mutation::Put(key.as_bytes(), value.as_bytes()));
    store.apply(&Mutations::from_sorted(puts).unwrap()).unwrap();
    store
}

pub(crate) fn covered(seq: u64) -> Covered {
    Covered {
        at: Position {
            seq,
            chain: Chain([seq as u8; 32]),
            version: Version(seq * 10),
        },
        log_time_ns: seq * 100,
        extra: b"window".to_vec(),
    }
}

pub(crate) fn spec(rand: u32) -> CheckpointSpec {
    CheckpointSpec {
        part_bytes: 20_000,
        ..CheckpointSpec::new(WORKSPACE, 1, rand, 99)
    }
}

fn restored(objects: &MemoryStore, manifest: &Manifest) -> (ModelStore, Covered) {
    let store = ModelStore::new();
    let covered = restore(objects, manifest, &mut |batch| Ok(store.apply(batch)?)).unwrap();
    (store, covered)
}

#[test]
fn every_row_comes_back_in_several_parts() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let store = rows(3000);
    let written = write(&objects, &spec(1), &store, &covered(5)).unwrap();
    assert_eq!(written.rows, 3000);
    assert!(written.parts > 3);
    let manifest = verify(&objects, WORKSPACE, &written.entry).unwrap();
    let (back, found) = restored(&objects, &manifest);
    assert_eq!(back.to_rows(), store.to_rows());
    assert_eq!(found, covered(5));
}

#[test]
fn an_empty_store_has_a_checkpoint_without_parts() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let written = write(&objects, &spec(1), &ModelStore::new(), &covered(1)).unwrap();
    assert_eq!(written.parts, 0);
    let manifest = verify(&objects, WORKSPACE, &written.entry).unwrap();
    assert!(restored(&objects, &manifest).0.to_rows().is_empty());
}

#[test]
fn two_are_kept_and_the_floor_follows_the_older_one() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let store = rows(500);
    let floors: Vec<u64> = (1..=5)
        .map(|seq| {
            write(&objects, &spec(seq as u32), &store, &covered(seq))
                .unwrap()
                .log_floor
        })
        .collect();
    assert_eq!(floors, [0, 1, 2, 3, 4]);
    let (head, _) = Head::load(&objects, WORKSPACE).unwrap().unwrap();
    let listed: Vec<u64> = head.checkpoints.iter().map(|entry| entry.at.seq).collect();
    assert_eq!(listed, [5, 4]);
    for entry in &head.checkpoints {
        verify(&objects, WORKSPACE, entry).unwrap();
    }
    let of_others =
        |key: &&Key| layout::CheckpointName::parse(key).is_some_and(|name| ![4, 5].contains(&name.seq));
    assert_eq!(keys(&objects).iter().filter(of_others).count(), 0);
}

#[test]
fn a_kept_checkpoint_that_went_bad_does_not_count_as_one_of_two() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let store = rows(500);
    for seq in 1..=2 {
        write(&objects, &spec(seq as u32), &store, &covered(seq)).unwrap();
    }
    damage(&objects, 2, "part-00000");
    let written = write(&objects, &spec(3), &store, &covered(3)).unwrap();
    assert_eq!(written.log_floor, 1);
    let (head, _) = Head::load(&objects, WORKSPACE).unwrap().unwrap();
    let listed: Vec<u64> = head.checkpoints.iter().map(|entry| entry.at.seq).collect();
    assert_eq!(listed, [3, 1]);
}

#[test]
fn the_remains_of_a_dead_attempt_are_swept_by_the_next() {
    let objects = MemoryStore::new();
    let store = rows(2000);
    for (k, point) in [
        "journal.checkpoint.part",
        "journal.checkpoint.manifest",
        "journal.checkpoint.head",
    ]
    .into_iter()
    .enumerate()
    {
        failpoint::isolate();
        failpoint::arm(point, if k == 0 { 2 } else { 1 }, failpoint::Action::Crash);
        assert!(failpoint::is_crash(
            &write(&objects, &spec(k as u32), &store, &covered(3)).unwrap_err()
        ));
    }
    failpoint::isolate();
    let written = write(&objects, &spec(77), &store, &covered(4)).unwrap();
    assert!(written.deleted_objects > 3);
    assert_eq!(
        keys(&objects).len() as u64,
        written.parts + 2,
        "{:?}",
        keys(&objects)
    );
}

#[test]
fn a_newer_epoch_fences_the_writer() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let newer = CheckpointSpec { epoch: 2, ..spec(1) };
    write(&objects, &newer, &rows(5), &covered(1)).unwrap();
    assert_eq!(
        write(&objects, &spec(2), &rows(5), &covered(2)).unwrap_err().kind,
        ErrorKind::Fenced
    );
}

#[test]
fn a_damaged_head_forgets_no_good_checkpoint() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let store = rows(500);
    let older: Vec<_> = (1..=2)
        .map(|seq| {
            write(&objects, &spec(seq as u32), &store, &covered(seq))
                .unwrap()
                .entry
        })
        .collect();
    damage_head(&objects);
    // While the new one is not listed yet, nothing is forgotten either.
    failpoint::arm("journal.checkpoint.head", 1, failpoint::Action::Crash);
    write(&objects, &spec(3), &store, &covered(3)).unwrap_err();
    failpoint::isolate();
    for entry in &older {
        verify(&objects, WORKSPACE, entry).unwrap();
    }
    damage(&objects, 3, "part-00000");
    let written = write(&objects, &spec(4), &store, &covered(4)).unwrap();
    assert_eq!(written.head.checkpoints, [written.entry, older[1]]);
    verify(&objects, WORKSPACE, &older[1]).unwrap();
    assert_eq!(written.log_floor, 2);
    assert_eq!(Head::load(&objects, WORKSPACE).unwrap().unwrap().0, written.head);
}

#[test]
fn a_checkpoint_of_somebody_beside_us_fences_the_writer_before_anything_is_put() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let own = write(&objects, &spec(1), &rows(5), &covered(1)).unwrap().entry;
    write(&objects, &spec(2), &rows(5), &covered(2)).unwrap();
    let before = keys(&objects);
    let known = |entry: &CheckpointEntry| entry.name == own.name;
    let error = write_beside(&objects, &spec(3), &known, &rows(5), &covered(3)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fenced, "{error}");
    assert_eq!(keys(&objects), before);
}

#[test]
fn a_racing_head_is_a_conflict_and_the_loser_lists_nothing() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    write(&objects, &spec(1), &rows(5), &covered(1)).unwrap();
    let (head, tag) = Head::load(&objects, WORKSPACE).unwrap().unwrap();
    head.swap(&objects, Some(&tag)).unwrap();
    let mut other = head.clone();
    other.log_floor = 9;
    let tag = Head::load(&objects, WORKSPACE).unwrap().unwrap().1;
    other.swap(&objects, Some(&tag)).unwrap();
    assert_eq!(
        head.swap(&objects, Some(&tag)).unwrap_err().kind,
        ErrorKind::Conflict
    );
    assert_eq!(Head::load(&objects, WORKSPACE).unwrap().unwrap().0, other);
}

#[test]
fn the_identity_is_made_once_and_checked() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let ours = Identity {
        workspace: WORKSPACE,
        created_ns: 7,
        owner: "here".to_owned(),
    };
    assert_eq!(
        Identity::check(&objects, WORKSPACE).unwrap_err().kind,
        ErrorKind::IdentityMissing
    );
    ours.create(&objects).unwrap();
    ours.create(&objects).unwrap();
    assert_eq!(Identity::check(&objects, WORKSPACE).unwrap(), ours);
    let other = Identity {
        workspace: WorkspaceId([3; 16]),
        ..ours.clone()
    };
    assert_eq!(other.create(&objects).unwrap_err().kind, ErrorKind::IdentityTaken);
    assert_eq!(
        Identity::check(&objects, other.workspace).unwrap_err().kind,
        ErrorKind::WrongWorkspace
    );
    change(&objects, &layout::identity(), |bytes| {
        bytes[8] = 2;
        let body = bytes.len() - 4;
        let crc = crc32c::crc32c(&bytes[..body]).to_le_bytes();
        bytes[body..].copy_from_slice(&crc);
    });
    assert_eq!(
        Identity::check(&objects, WORKSPACE).unwrap_err().kind,
        ErrorKind::TooNew
    );
    let long = Identity {
        owner: "x".repeat(254),
        ..ours
    };
    assert_eq!(
        long.create(&MemoryStore::new()).unwrap_err().kind,
        ErrorKind::Invalid
    );
    assert!(World::new(1).history.is_empty());
}

#[test]
fn dying_before_the_identity_is_put_leaves_none() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    let ours = Identity {
        workspace: WORKSPACE,
        created_ns: 7,
        owner: String::new(),
    };
    failpoint::arm("journal.identity.put", 1, failpoint::Action::Crash);
    assert!(failpoint::is_crash(&ours.create(&objects).unwrap_err()));
    assert!(objects.is_empty());
}
