//! Fuzz targets of every decoder: `fn(&[u8])` that must not panic, driven by seeded mutations of the golden messages.

use crate::draw::Draw;
use crate::golden::corpus;
use crate::samples::with_frame;
use nokv_protocol::limits::{ELEMENTS_MAX, FRAME_BYTES_MAX, OPS_MAX};
use nokv_protocol::{
    Answers, Call, Frame, FrameKind, FrameReader, Hello, Notice, Push, Refused, Welcome, put_preface,
};
use nokv_testkit::evidence::Evidence;
use nokv_testkit::fuzz::{Fuzzed, run};

/// Inputs of each target in CI.
const ROUNDS: u64 = 20_000;

/// Whether a frame is understood, every operation of a call included; what is, is written and read again.
pub(crate) fn is_taken(frame: &Frame<'_>) -> bool {
    let mut out = Vec::new();
    let max = FRAME_BYTES_MAX;
    let Ok(kind) = frame.kind() else { return false };
    let written = match kind {
        FrameKind::Hello => Hello::decode(frame).map(|value| value.encode(1, &mut out)),
        FrameKind::Welcome => Welcome::decode(frame).map(|value| value.encode(1, &mut out)),
        FrameKind::Refused => Refused::decode(frame).map(|value| value.encode(1, &mut out)),
        FrameKind::Push => Push::decode(frame).map(|value| value.encode(max, &mut out)),
        FrameKind::Notice => Notice::decode(frame).map(|value| value.encode(max, &mut out)),
        FrameKind::Answers => Answers::decode(frame).map(|value| {
            assert!(value.items.len() <= OPS_MAX);
            value.encode(1, max, &mut out)
        }),
        FrameKind::Call => {
            let Ok(call) = Call::decode(frame) else {
                return false;
            };
            assert!(!call.ops.is_empty() && call.ops.len() <= OPS_MAX);
            if call.ops.iter().any(|(_, op)| op.is_err()) {
                return false;
            }
            Ok(call.encode(1, max, &mut out))
        }
        FrameKind::Ping | FrameKind::Pong => return frame.body.is_empty(),
    };
    let Ok(written) = written else { return false };
    // What was read can always be written (its numbers may have been written longer than needed).
    written.unwrap();
    with_frame(&out, |again| assert_eq!(again.number, frame.number));
    true
}

/// The body of a frame, behind the number and the version of its kind.
fn body_target(input: &[u8]) -> bool {
    let [number, version, body @ ..] = input else {
        return false;
    };
    is_taken(&Frame {
        number: *number,
        version: *version,
        id: 1,
        body,
    })
}

/// Bytes as they come from a connection, in pieces of every size up to their first byte.
fn stream_target(input: &[u8]) -> bool {
    let mut reader = FrameReader::new();
    let step = usize::from(input.first().copied().unwrap_or(0)) + 1;
    let mut frames = 0;
    let mut left = input.len();
    for piece in input.chunks(step) {
        reader.push(piece);
        left -= piece.len();
        loop {
            match reader.next() {
                Ok(Some(frame)) => {
                    is_taken(&frame);
                    frames += 1;
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(error.is_fatal());
                    return false;
                }
            }
        }
        assert!(reader.buffered() + left <= input.len());
    }
    frames > 0
}

fn report(name: &str, fuzzed: Fuzzed) {
    Evidence {
        ring: name,
        seeds: &fuzzed.seed.to_string(),
        injected: (fuzzed.inputs - fuzzed.taken, "inputs that were refused"),
        acknowledged: (fuzzed.taken, "inputs that were taken"),
    }
    .print();
}

#[test]
fn no_body_makes_a_decoder_panic() {
    let bodies: Vec<Vec<u8>> = corpus()
        .iter()
        .map(|bytes| {
            with_frame(bytes, |frame| {
                let mut input = vec![frame.number, frame.version];
                input.extend_from_slice(frame.body);
                input
            })
        })
        .collect();
    report("protocol-bodies", run("bodies", &bodies, 5 * ROUNDS, body_target));
}

#[test]
fn no_stream_makes_the_reader_panic() {
    let mut streams = vec![Vec::new(), Vec::new()];
    for (at, bytes) in corpus().iter().enumerate() {
        let stream = &mut streams[at % 2];
        if stream.is_empty() {
            put_preface(stream);
        }
        stream.extend_from_slice(bytes);
    }
    report(
        "protocol-streams",
        run("streams", &streams, ROUNDS, stream_target),
    );
}

#[test]
fn lists_are_bounded_by_the_bytes_and_by_the_limit() {
    // A list of numbers in a notice: the count, then one byte each.
    let list = |count: u64, bytes: usize| {
        let mut body = vec![1, 0, 1];
        nokv_types::codec::put_varint(&mut body, count);
        body.resize(body.len() + bytes, 5);
        let frame = Frame {
            number: FrameKind::Notice as u8,
            version: 1,
            id: 0,
            body: &body,
        };
        Notice::decode(&frame).is_ok()
    };
    let most = ELEMENTS_MAX;
    assert!(list(most as u64, most));
    assert!(!list(most as u64 + 1, most + 1), "above the limit");
    assert!(!list(most as u64, most - 1), "more elements than there are bytes");
    assert!(!list(u64::MAX, 100));
}

#[test]
fn the_limit_on_lists_counts_over_all_operations_of_a_call() {
    let draw = &mut Draw::Ascending(0);
    let release = |count: usize| {
        let objects = (0..count).map(|_| draw_lease()).collect();
        nokv_protocol::Op::Ask(nokv_protocol::Ask::ReleaseLeases { objects })
    };
    let fits = crate::samples::call(
        draw,
        vec![release(ELEMENTS_MAX / 2), release(ELEMENTS_MAX / 2 - 1)],
    );
    let above = crate::samples::call(
        draw,
        vec![release(ELEMENTS_MAX / 2), release(ELEMENTS_MAX / 2 + 1)],
    );
    for (call, taken) in [(fits, true), (above, false)] {
        let mut out = Vec::new();
        call.encode(1, FRAME_BYTES_MAX, &mut out).unwrap();
        let read = with_frame(&out, Call::decode).unwrap();
        assert!(read.ops[0].1.is_ok());
        assert_eq!(read.ops[1].1.is_ok(), taken);
    }
}

fn draw_lease() -> nokv_protocol::LeaseObject {
    Draw::Ascending(0).lease()
}
