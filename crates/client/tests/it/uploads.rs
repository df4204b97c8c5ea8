//! Bodies are cut, stored under reserved ids and published in one step.

use crate::fake::{BlobFault, Fake, INODE, head, node};
use nokv_client::{Ack, Client, PublishOptions, Published, Result, SparseFile, SparseSource, StreamSource};
use nokv_types::{BLOCK_BYTES, Code, Extent, Name, NewBody, RANGE_BYTES, Source, Target};
use std::io;
use std::ops::Range;

pub(crate) fn target(name: &str) -> Target {
    Target::Name {
        parent: node(1),
        name: Name::new(name.as_bytes()).unwrap(),
        inode: INODE,
        create_only: false,
    }
}

pub(crate) fn publish(client: &Client, name: &str, bytes: &[u8]) -> Result<Published> {
    let mut source = StreamSource::new(bytes);
    client.publish(target(name), &mut source, PublishOptions::default(), Ack::Durable)
}

/// Bytes that differ from block to block and hold no long run of zeros.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3] | 1)
        .collect()
}

#[test]
fn a_body_of_three_blocks_is_three_objects_with_digests() {
    let fake = Fake::new();
    let bytes = pattern(2 * BLOCK_BYTES as usize + 100);
    let published = publish(&fake.client(), "model", &bytes).unwrap();
    assert_eq!(published.attr.size, bytes.len() as u64);
    assert_eq!(fake.blobs.count(), 3);
    let state = fake.state();
    let extents = &state.inodes[&published.node.ino].extents;
    for extent in extents {
        let Source::Slice(slice) = &extent.source else {
            panic!("a block is an object")
        };
        assert!(
            slice
                .digest
                .matches(&bytes[extent.at as usize..extent.end() as usize])
        );
    }
    assert_eq!(extents.last().unwrap().end(), bytes.len() as u64);
}

#[test]
fn bodies_up_to_four_kib_travel_inline_and_make_no_object() {
    let fake = Fake::new();
    let client = fake.client();
    for len in [1, 4096] {
        let published = publish(&client, "small", &pattern(len)).unwrap();
        assert_eq!(published.attr.size, len as u64);
        let state = fake.state();
        let extents = &state.inodes[&published.node.ino].extents;
        assert!(matches!(&extents[0], Extent { at: 0, source: Source::Inline(b), .. } if b.len() == len));
    }
    assert_eq!(fake.blobs.count(), 0);
    publish(&client, "larger", &pattern(4097)).unwrap();
    assert_eq!(fake.blobs.count(), 1);
}

#[test]
fn an_empty_body_has_no_extent() {
    let fake = Fake::new();
    let published = publish(&fake.client(), "empty", b"").unwrap();
    assert_eq!(published.attr.size, 0);
    assert!(fake.state().inodes[&published.node.ino].extents.is_empty());
}

#[test]
fn a_busy_store_and_a_lost_answer_are_tried_again() {
    let fake = Fake::new();
    fake.blobs
        .faults
        .lock()
        .unwrap()
        .extend([BlobFault::Busy, BlobFault::AnswerLost, BlobFault::Busy]);
    let bytes = pattern(BLOCK_BYTES as usize * 2);
    publish(&fake.client(), "model", &bytes).unwrap();
    assert_eq!(fake.blobs.count(), 2);
    assert!(
        fake.blobs.faults.lock().unwrap().is_empty(),
        "every fault was met"
    );
}

#[test]
fn a_store_that_refuses_for_good_publishes_nothing() {
    let fake = Fake::new();
    fake.blobs.faults.lock().unwrap().push(BlobFault::Broken);
    let refused = publish(&fake.client(), "model", &pattern(BLOCK_BYTES as usize * 3)).unwrap_err();
    assert_eq!(refused.code(), Some(Code::NoSpace));
    assert!(fake.state().inodes[&head().node.ino].entries.is_empty());
}

#[test]
fn a_busy_namespace_is_asked_again() {
    let fake = Fake::new();
    let busy = nokv_types::Refusal::new(Code::Busy, "queue");
    fake.state().refuse_next.push(busy);
    publish(&fake.client(), "file", b"body").unwrap();
    assert_eq!(fake.state().counted("publish"), 2);
}

/// A huge file with a byte of data at the start of each of some cells.
struct Huge {
    size: u64,
    stride: u64,
}

impl SparseFile for Huge {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn data_from(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        let cell = from / self.stride * self.stride;
        let start = if from == cell { cell } else { cell + self.stride };
        Ok((start < self.size).then_some(start..start + 1))
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        if at.is_multiple_of(self.stride) {
            buffer[0] = 9;
        }
        Ok(buffer.len())
    }
}

#[test]
fn a_hundred_gib_sparse_file_moves_only_its_data() {
    let fake = Fake::new();
    let size = 100 << 30;
    let mut source = SparseSource::new(Huge {
        size,
        stride: 30 << 30,
    })
    .unwrap();
    let body = fake.client().upload(&mut source).unwrap();
    let NewBody::Whole { size: seen, extents } = body else {
        panic!("four extents fit one command")
    };
    assert_eq!((seen, extents.len(), fake.blobs.count()), (size, 4, 4));
    assert!(extents.iter().all(|extent| extent.len == 1));
}

#[test]
fn a_body_of_more_than_64_ranges_is_staged_range_by_range() {
    let fake = Fake::new();
    let size = 70 * RANGE_BYTES;
    let mut source = SparseSource::new(Huge {
        size,
        stride: RANGE_BYTES / 2,
    })
    .unwrap();
    let client = fake.client();
    let published = client
        .publish(
            target("dense"),
            &mut source,
            PublishOptions::default(),
            Ack::Durable,
        )
        .unwrap();
    let state = fake.state();
    assert_eq!(state.counted("stage"), 70);
    assert_eq!(state.inodes[&published.node.ino].extents.len(), 140);
    assert_eq!(published.attr.size, size);
}

#[test]
fn a_staged_body_that_fails_is_abandoned() {
    let fake = Fake::new();
    let refusal = nokv_types::Refusal::new(Code::NoSpace, "workspace");
    let client = fake.client();
    let mut source = SparseSource::new(Huge {
        size: 70 * RANGE_BYTES,
        stride: RANGE_BYTES,
    })
    .unwrap();
    // Reserve, open, begin and three stages succeed; the next one is refused.
    let mut failing = FailAt {
        inner: &mut source,
        reads: 0,
        at: 69,
        fail: || fake.state().refuse_next.push(refusal.clone()),
    };
    let refused = client.upload(&mut failing).unwrap_err();
    assert_eq!(refused.code(), Some(Code::NoSpace));
    assert_eq!(fake.state().counted("abandon"), 1);
    assert!(fake.state().uploads.is_empty());
}

/// Runs `fail` before one of the reads of a source.
struct FailAt<'s, F> {
    inner: &'s mut dyn nokv_client::BodySource,
    reads: u32,
    at: u32,
    fail: F,
}

impl<F: FnMut()> nokv_client::BodySource for FailAt<'_, F> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<Option<nokv_client::Cut>> {
        self.reads += 1;
        if self.reads == self.at {
            (self.fail)();
        }
        self.inner.next_block(block)
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }
}

/// A sparse file of `data` bytes that are not zero, followed by as many zeros that are stored.
struct HalfZeros(u64);

impl SparseFile for HalfZeros {
    fn size(&self) -> io::Result<u64> {
        Ok(2 * self.0)
    }

    fn data_from(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        Ok((from < 2 * self.0).then_some(from..2 * self.0))
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = (2 * self.0).saturating_sub(at).min(buffer.len() as u64) as usize;
        for (n, byte) in buffer[..left].iter_mut().enumerate() {
            *byte = u8::from(at + (n as u64) < self.0);
        }
        Ok(left)
    }
}

#[test]
fn a_body_that_cannot_fit_is_refused_before_an_object_is_stored_and_zeros_take_no_room() {
    let fake = Fake::new();
    let client = fake.client();
    let data = 2 * BLOCK_BYTES;
    let put = |limit: u64| {
        fake.state().limits.bytes = Some(limit);
        let mut source = SparseSource::new(HalfZeros(data)).unwrap();
        client.publish(
            target("file"),
            &mut source,
            PublishOptions::default(),
            Ack::Durable,
        )
    };
    let refused = put(data - 1).unwrap_err();
    assert_eq!(refused.code(), Some(Code::NoSpace));
    assert!(refused.to_string().contains("the body has 16.0 MiB"), "{refused}");
    assert_eq!((fake.blobs.count(), fake.state().counted("reserve")), (0, 0));
    put(data).unwrap();
    assert_eq!(fake.blobs.count(), 2);
}

#[test]
fn a_source_that_fails_publishes_nothing_and_names_the_read() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    let fake = Fake::new();
    let client = fake.client();
    let mut source = StreamSource::new(Broken);
    let failed = client.publish(
        target("file"),
        &mut source,
        PublishOptions::default(),
        Ack::Durable,
    );
    assert!(matches!(
        failed.unwrap_err().kind(),
        nokv_client::ErrorKind::Local(_)
    ));
    assert_eq!(fake.state().counted("publish"), 0);
}
