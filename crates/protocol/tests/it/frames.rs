//! Frames as they come from a connection.

use nokv_protocol::limits::{FRAME_BYTES_MAX, FRAME_BYTES_MAX_UNKNOWN_PEER};
use nokv_protocol::{
    ErrorKind, FrameKind, FrameReader, HEADER_BYTES, PREFACE, begin_frame, end_frame, put_empty_frame,
    put_preface,
};

fn frame(kind: FrameKind, id: u64, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let start = begin_frame(&mut out, kind, id);
    out.extend_from_slice(body);
    end_frame(&mut out, start, u32::MAX).unwrap();
    out
}

fn stream(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_preface(&mut out);
    out.extend(frames.concat());
    out
}

/// What a reader makes of bytes that come in pieces of this size: the ids and bodies, and how it ended.
fn read(bytes: &[u8], step: usize) -> (Vec<(u64, Vec<u8>)>, Option<ErrorKind>) {
    let mut reader = FrameReader::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(step) {
        reader.push(piece);
        loop {
            match reader.next() {
                Ok(Some(frame)) => frames.push((frame.id, frame.body.to_vec())),
                Ok(None) => break,
                Err(error) => return (frames, Some(error.kind)),
            }
        }
    }
    (frames, None)
}

#[test]
fn frames_come_whole_however_their_bytes_are_cut() {
    let frames = [
        frame(FrameKind::Call, 1, b"one"),
        frame(FrameKind::Ping, 2, b""),
        frame(FrameKind::Answers, u64::MAX, &[9; 300]),
    ];
    let bytes = stream(&frames);
    let want = vec![(1, b"one".to_vec()), (2, Vec::new()), (u64::MAX, vec![9; 300])];
    for step in 1..=bytes.len() {
        assert_eq!(read(&bytes, step), (want.clone(), None), "pieces of {step}");
    }
}

#[test]
fn the_room_of_the_reader_takes_bytes_without_a_copy() {
    let bytes = stream(&[
        frame(FrameKind::Call, 1, &vec![3; 200_000]),
        frame(FrameKind::Call, 2, b"x"),
    ]);
    let mut reader = FrameReader::new();
    let (mut sent, mut ids) = (0, Vec::new());
    while sent < bytes.len() {
        let room = reader.room();
        assert!(!room.is_empty());
        let count = room.len().min(bytes.len() - sent);
        room[..count].copy_from_slice(&bytes[sent..sent + count]);
        reader.filled(count);
        sent += count;
        while let Some(frame) = reader.next().unwrap() {
            ids.push(frame.id);
        }
    }
    assert_eq!((ids, reader.buffered()), (vec![1, 2], 0));
    reader.release();
    assert_eq!(reader.room().len(), 4096, "an idle connection keeps little");
}

#[test]
fn bytes_of_a_header_are_fixed() {
    let bytes = frame(FrameKind::Call, 0x0102, b"abc");
    assert_eq!(bytes.len(), HEADER_BYTES + 3);
    assert_eq!(bytes[..8], [3, 0, 0, 0, 4, 1, 0, 0]);
    assert_eq!(bytes[8..16], [2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[16..20], 0x364b_3fb7u32.to_le_bytes(), "CRC32C of abc");
    let mut ping = Vec::new();
    put_empty_frame(&mut ping, FrameKind::Ping, 5);
    assert_eq!(ping, frame(FrameKind::Ping, 5, b""));
}

#[test]
fn a_flip_of_any_bit_ends_the_connection_and_never_gives_another_frame() {
    let bytes = stream(&[frame(FrameKind::Call, 1, b"a body")]);
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let (frames, error) = read(&damaged, damaged.len());
        assert_eq!(frames, [], "bit {bit}");
        let want = if bit / 8 < PREFACE.len() {
            ErrorKind::Foreign
        } else {
            ErrorKind::Corrupt
        };
        assert_eq!(error, Some(want), "bit {bit}");
    }
}

#[test]
fn another_protocol_is_noticed_at_its_first_byte() {
    for greeting in [
        &b"GET / HTTP/1.1"[..],
        b"PRI * HTTP/2.0",
        &[0x16, 3, 1, 2, 0],
        b"SSH-2.0",
        &[0],
    ] {
        assert_eq!(read(greeting, 1).1, Some(ErrorKind::Foreign));
    }
    assert_eq!(read(b"NoKVrpc", 1), (Vec::new(), None), "more may come");
}

#[test]
fn a_frame_above_the_limit_is_refused_by_its_header_alone() {
    let body = |limit: u32, more: usize| vec![0; limit as usize - HEADER_BYTES + more];
    let mut reader = FrameReader::new();
    let small = FRAME_BYTES_MAX_UNKNOWN_PEER;
    reader.push(&stream(&[frame(FrameKind::Hello, 1, &body(small, 0))]));
    assert_eq!(
        reader.next().unwrap().unwrap().body.len(),
        small as usize - HEADER_BYTES
    );
    let large = frame(FrameKind::Call, 2, &body(small, 1));
    let mut strict = FrameReader::new();
    strict.push(&stream(&[large[..HEADER_BYTES].to_vec()]));
    for _ in 0..2 {
        assert_eq!(strict.next().unwrap_err().kind, ErrorKind::FrameTooLarge);
    }
    reader.set_frame_max(u32::MAX);
    reader.push(&large);
    assert_eq!(reader.next().unwrap().unwrap().id, 2);
    reader.push(&frame(FrameKind::Call, 3, &body(FRAME_BYTES_MAX, 1))[..HEADER_BYTES]);
    assert_eq!(reader.next().unwrap_err().kind, ErrorKind::FrameTooLarge);
}

#[test]
fn a_frame_that_is_too_large_is_not_written() {
    let mut out = b"before".to_vec();
    let start = begin_frame(&mut out, FrameKind::Call, 1);
    out.extend_from_slice(&[0; 100]);
    let error = end_frame(&mut out, start, 123).unwrap_err();
    assert_eq!((error.kind, error.is_fatal()), (ErrorKind::TooLarge, false));
    assert_eq!(out, b"before");
}

#[test]
fn unknown_kinds_and_newer_versions_are_told_apart_from_damage() {
    let with = |number: u8, version: u8| {
        let frame = nokv_protocol::Frame {
            number,
            version,
            id: 1,
            body: b"",
        };
        frame.kind().map_err(|error| (error.kind, error.is_fatal()))
    };
    assert_eq!(with(4, 1), Ok(FrameKind::Call));
    assert_eq!(with(10, 1), Err((ErrorKind::Unknown, false)));
    assert_eq!(with(0, 1), Err((ErrorKind::Unknown, false)));
    assert_eq!(with(4, 2), Err((ErrorKind::TooNew, false)));
    assert_eq!(with(4, 0), Err((ErrorKind::Malformed, false)));
    assert_eq!(with(1, 9), Ok(FrameKind::Hello), "read by its first version");
}
