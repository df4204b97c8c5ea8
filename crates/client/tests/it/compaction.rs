//! Overwrites, appends, and the compaction that they may ask for.

use crate::fake::{Fake, head, node};
use crate::uploads::{pattern, publish};
use nokv_client::{Ack, BodyReader, Client, StreamSource};
use nokv_types::{BLOCK_BYTES, Node};
use std::io::Read as _;

fn whole(client: &Client, node: Node) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = BodyReader::open(client, head().point, node.ino, 0..u64::MAX).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn overwrites_and_appends_are_what_a_plain_vector_would_hold() {
    let fake = Fake::new();
    let client = fake.client();
    let mut expect = pattern(BLOCK_BYTES as usize + 5000);
    let file = publish(&client, "log", &expect).unwrap().node;
    for (at, len) in [
        (0, 10),
        (4000, 5000),
        (BLOCK_BYTES - 3, 6),
        (BLOCK_BYTES + 4990, 100),
    ] {
        let bytes = pattern(len + 3)[3..].to_vec();
        client.write_at(file, at, &bytes, Ack::Durable).unwrap();
        let end = at as usize + len;
        expect.resize(expect.len().max(end), 0);
        expect[at as usize..end].copy_from_slice(&bytes);
    }
    client
        .append(file, &mut StreamSource::new(&b"tail"[..]), Ack::Durable)
        .unwrap();
    expect.extend_from_slice(b"tail");
    assert!(whole(&client, file) == expect);
}

#[test]
fn zeros_that_are_appended_make_the_file_longer() {
    let fake = Fake::new();
    let client = fake.client();
    let file = publish(&client, "log", b"x").unwrap().node;
    let mut expect = 1;
    for len in [
        3,
        BLOCK_BYTES as usize,
        BLOCK_BYTES as usize + 1,
        2 * BLOCK_BYTES as usize,
        0,
    ] {
        let mut bytes = vec![0; len];
        for first in [0, 1] {
            bytes.iter_mut().take(1).for_each(|byte| *byte = first);
            client
                .append(file, &mut StreamSource::new(&bytes[..]), Ack::Durable)
                .unwrap();
            expect += len;
            assert_eq!(
                whole(&client, file).len(),
                expect,
                "{len} bytes that begin with {first}"
            );
        }
    }
    // A crash between two commands would leave a part of it, and there is no command that adds nothing.
    assert_eq!(fake.state().counted("append"), 8);
    assert_eq!(fake.state().counted("set size"), 0);
}

#[test]
fn a_range_with_too_many_extents_is_compacted_and_the_write_goes_through() {
    let fake = Fake::new();
    let client = fake.client();
    let mut expect = pattern(100_000);
    let file = publish(&client, "log", &expect).unwrap().node;
    fake.state().extents_max = 9;
    for n in 0..30 {
        let at = 1000 + n * 3000;
        client
            .write_at(file, at as u64, &[200, n as u8], Ack::Durable)
            .unwrap();
        expect[at..at + 2].copy_from_slice(&[200, n as u8]);
        assert_eq!(whole(&client, file), expect, "after write {n}");
    }
    assert!(fake.state().counted("compact") >= 5);
    assert_eq!(file, node(file.ino.0));
}
