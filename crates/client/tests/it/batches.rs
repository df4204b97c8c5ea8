//! Many files share packs and submits.

use crate::fake::{BlobFault, Fake, INODE, head, node};
use crate::uploads::pattern;
use nokv_client::{Ack, Batch, BatchFile, BodyReader};
use nokv_types::{Code, Name, NsPath};
use std::io::Read as _;

fn file(name: &str) -> BatchFile {
    BatchFile {
        parent: node(1),
        name: Name::new(name.as_bytes()).unwrap(),
        inode: INODE,
        mtime: Some(1234),
        xattrs: Vec::new(),
        create_only: true,
        subject: format!("/{name}"),
    }
}

#[test]
fn five_hundred_files_are_few_objects_and_few_submits_and_read_back() {
    let fake = Fake::new();
    let client = fake.client();
    let mut batch = Batch::new(&client);
    let body = |n: usize| pattern([10, 5000, 40_000][n % 3] + n);
    for n in 0..500 {
        batch.add(file(&format!("f{n:03}")), &body(n)).unwrap();
    }
    batch.finish(Ack::Durable).unwrap();
    assert_eq!(batch.done(), 500);
    assert!(fake.blobs.count() <= 2, "{} objects", fake.blobs.count());
    {
        let state = fake.state();
        // One to reserve ids, 500 files by 128, one for the times of the last ones.
        assert!(
            state.batches.len() <= 1 + 500_usize.div_ceil(128) + 2,
            "{:?}",
            state.batches
        );
        assert_eq!(state.counted("setattr"), 500);
    }
    for n in 0..500 {
        let path = NsPath::parse(format!("f{n:03}").as_bytes()).unwrap();
        let found = client.find(head(), &path).unwrap();
        assert_eq!(found.attr.mtime, 1234);
        let mut bytes = Vec::new();
        let mut reader = BodyReader::open(&client, head().point, found.node.ino, 0..u64::MAX).unwrap();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, body(n), "file {n}");
    }
}

#[test]
fn packs_end_at_eight_mib_and_large_files_have_blocks_of_their_own() {
    let fake = Fake::new();
    let client = fake.client();
    let mut batch = Batch::new(&client);
    for n in 0..20 {
        batch.add(file(&format!("p{n}")), &pattern(1 << 20)).unwrap();
    }
    batch.add(file("large"), &pattern((1 << 20) + 1)).unwrap();
    batch.finish(Ack::Durable).unwrap();
    let objects = fake.blobs.objects.lock().unwrap();
    let mut sizes: Vec<usize> = objects.values().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(1 << 20) + 1, 4 << 20, 8 << 20, 8 << 20]);
}

#[test]
fn the_first_refusal_names_its_file() {
    let fake = Fake::new();
    let client = fake.client();
    let mut batch = Batch::new(&client);
    batch.add(file("one"), b"1").unwrap();
    batch.add(file("one"), b"2").unwrap();
    let refused = batch.finish(Ack::Durable).unwrap_err();
    assert_eq!((refused.code(), refused.subject()), (Some(Code::Exists), "/one"));
}

#[test]
fn no_file_of_a_pack_that_was_not_stored_becomes_visible() {
    let fake = Fake::new();
    let client = fake.client();
    fake.blobs.faults.lock().unwrap().push(BlobFault::Broken);
    let mut batch = Batch::new(&client);
    for n in 0..10 {
        batch.add(file(&format!("f{n}")), &pattern(10_000)).unwrap();
    }
    assert_eq!(
        batch.finish(Ack::Durable).unwrap_err().code(),
        Some(Code::NoSpace)
    );
    assert!(fake.state().inodes[&head().node.ino].entries.is_empty());
}

#[test]
fn a_durable_end_is_durable_whatever_the_number_of_files() {
    for count in [1, 127, 128, 129, 256, 1024, 1025] {
        let fake = Fake::new();
        let client = fake.client();
        let mut batch = Batch::new(&client);
        for n in 0..count {
            let untimed = BatchFile {
                mtime: None,
                ..file(&format!("f{n:04}"))
            };
            batch.add(untimed, b"x").unwrap();
        }
        batch.finish(Ack::Durable).unwrap();
        assert_eq!(batch.done(), count);
        assert_eq!(fake.state().last_ack, Some(Ack::Durable), "{count} files");
    }
}
