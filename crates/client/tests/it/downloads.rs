//! Bodies come back as they went in, holes as zeros, and never unverified.

use crate::fake::{Fake, head};
use crate::uploads::{pattern, publish, target};
use nokv_client::{Ack, BodyReader, Client, PublishOptions, Result, SparseFile, SparseSource};
use nokv_types::{BLOCK_BYTES, Code, Ino};
use std::io::{self, Read as _};
use std::ops::Range;

fn read(client: &Client, ino: Ino, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    BodyReader::open(client, head().point, ino, range)
        .map_err(io::Error::other)?
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn every_range_of_a_body_is_what_was_published() {
    let fake = Fake::new();
    let client = fake.client();
    let bytes = pattern(3 * BLOCK_BYTES as usize + 777);
    let ino = publish(&client, "model", &bytes).unwrap().node.ino;
    let end = bytes.len() as u64;
    let edges = [
        0,
        1,
        BLOCK_BYTES - 1,
        BLOCK_BYTES,
        BLOCK_BYTES + 1,
        end - 1,
        end,
        end + 10,
    ];
    for from in edges {
        for to in edges.into_iter().filter(|to| *to >= from) {
            let expect = &bytes[from.min(end) as usize..to.min(end) as usize];
            assert_eq!(read(&client, ino, from..to).unwrap(), expect, "{from}..{to}");
        }
    }
}

struct Islands;

impl SparseFile for Islands {
    fn size(&self) -> io::Result<u64> {
        Ok(3 * BLOCK_BYTES)
    }

    fn data_from(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        let runs = [10..20, 2 * BLOCK_BYTES + 5..2 * BLOCK_BYTES + 6];
        Ok(runs
            .into_iter()
            .find(|run| run.end > from)
            .map(|run| run.start.max(from)..run.end))
    }

    fn read_at(&self, _at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(8);
        Ok(buffer.len())
    }
}

#[test]
fn holes_are_pieces_of_their_own_and_read_as_zeros() {
    let fake = Fake::new();
    let client = fake.client();
    let mut source = SparseSource::new(Islands).unwrap();
    let options = PublishOptions::default();
    let ino = client
        .publish(target("sparse"), &mut source, options, Ack::Durable)
        .unwrap()
        .node
        .ino;
    let mut expect = vec![0; 3 * BLOCK_BYTES as usize];
    expect[10..20].fill(8);
    expect[2 * BLOCK_BYTES as usize + 5] = 8;
    assert_eq!(read(&client, ino, 0..u64::MAX).unwrap(), expect);

    let mut reader = BodyReader::open(&client, head().point, ino, 0..u64::MAX).unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = reader.next_piece().unwrap() {
        pieces.push((piece.at, piece.len, piece.data.is_some()));
    }
    let second = 2 * BLOCK_BYTES + 5;
    let tail = 3 * BLOCK_BYTES - second - 1;
    assert_eq!(
        pieces,
        [
            (0, 10, false),
            (10, 10, true),
            (20, second - 20, false),
            (second, 1, true),
            (second + 1, tail, false)
        ]
    );
}

#[test]
fn a_flipped_bit_in_an_object_is_refused_as_corrupt_and_no_byte_of_it_comes_out() {
    let fake = Fake::new();
    let client = fake.client();
    let ino = publish(&client, "model", &pattern(9000)).unwrap().node.ino;
    fake.blobs.flip_one_bit();
    let outcome: Result<_> = (|| {
        let mut reader = BodyReader::open(&client, head().point, ino, 0..1)?;
        reader.next_piece()
    })();
    assert_eq!(outcome.unwrap_err().code(), Some(Code::Corrupt));
}

#[test]
fn an_object_that_is_missing_is_corruption_and_not_an_empty_file() {
    let fake = Fake::new();
    let client = fake.client();
    let ino = publish(&client, "model", &pattern(9000)).unwrap().node.ino;
    fake.blobs.objects.lock().unwrap().clear();
    let mut reader = BodyReader::open(&client, head().point, ino, 0..1).unwrap();
    assert_eq!(reader.next_piece().unwrap_err().code(), Some(Code::Corrupt));
}

#[test]
fn a_manifest_whose_window_leaves_its_stored_range_is_corrupt() {
    let fake = Fake::new();
    let client = fake.client();
    let ino = publish(&client, "model", &pattern(9000)).unwrap().node.ino;
    if let nokv_types::Source::Slice(slice) =
        &mut fake.state().inodes.get_mut(&ino).unwrap().extents[0].source
    {
        slice.window_offset = 1;
    }
    let mut reader = BodyReader::open(&client, head().point, ino, 0..9000).unwrap();
    assert_eq!(reader.next_piece().unwrap_err().code(), Some(Code::Corrupt));
}

#[test]
fn a_small_range_that_was_read_lately_is_not_fetched_again() {
    let fake = Fake::new();
    let client = fake.client();
    let ino = publish(&client, "model", &pattern(9000)).unwrap().node.ino;
    for _ in 0..5 {
        read(&client, ino, 100..200).unwrap();
    }
    assert_eq!(*fake.blobs.gets.lock().unwrap(), 1);
}
