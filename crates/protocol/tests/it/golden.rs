//! The bytes of every message, fixed in `golden.txt`: one line for each, its name and the frame in hex.
//!
//! `NOKV_UPDATE_GOLDEN=1 cargo test -p nokv-protocol golden` writes the file anew. A line that changes is a change
//! of the protocol: it needs a version.

use crate::draw::Draw;
use crate::samples::{self, with_frame};
use nokv_protocol::limits::FRAME_BYTES_MAX;
use nokv_protocol::{
    Answers, Call, FrameKind, Hello, Notice, OpKind, Push, Refused, Shape, Welcome, put_empty_frame,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const FILE: &str = include_str!("golden.txt");
const ID: u64 = 7;

/// Name and bytes of every sample.
pub(crate) fn frames(draw: &mut Draw) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |name: String, put: &mut dyn FnMut(&mut Vec<u8>) -> nokv_protocol::Result<()>| {
        let mut out = Vec::new();
        put(&mut out).unwrap();
        all.push((name, out));
    };
    for hello in samples::hellos(draw) {
        add(format!("hello {:?}", hello.client), &mut |out| {
            hello.encode(ID, out)
        });
    }
    for welcome in samples::welcomes(draw) {
        add(format!("welcome {:?}", welcome.durability), &mut |out| {
            welcome.encode(ID, out)
        });
    }
    for refused in samples::refuseds(draw) {
        add(
            format!("refused {:?}", refused.failure.refusal.code),
            &mut |out| refused.encode(ID, out),
        );
    }
    for op in samples::ops(draw) {
        let name = op.kind().unwrap().name();
        let call = samples::plain_call(op);
        add(format!("call {name}"), &mut |out| {
            call.encode(ID, FRAME_BYTES_MAX, out)
        });
    }
    for head in samples::heads(draw) {
        let mut call = samples::plain_call(nokv_protocol::Ask::NewestVersion {}.into());
        call.head = head;
        add("call head".into(), &mut |out| {
            call.encode(ID, FRAME_BYTES_MAX, out)
        });
    }
    for answers in samples::answers(draw) {
        let kind = OpKind::from_number(answers.items[0].number).unwrap();
        add(format!("answers {}", kind.name()), &mut |out| {
            answers.encode(ID, FRAME_BYTES_MAX, out)
        });
    }
    for push in samples::pushes(draw) {
        add(format!("push {}", push.number()), &mut |out| {
            push.encode(FRAME_BYTES_MAX, out)
        });
    }
    for notice in samples::notices(draw) {
        add(format!("notice {}", notice.number()), &mut |out| {
            notice.encode(FRAME_BYTES_MAX, out)
        });
    }
    for kind in [FrameKind::Ping, FrameKind::Pong] {
        add(format!("{kind:?}").to_lowercase(), &mut |out| {
            put_empty_frame(out, kind, ID);
            Ok(())
        });
    }
    all
}

#[test]
fn bytes_of_every_message_are_fixed() {
    let mut text = String::new();
    for (name, bytes) in frames(&mut Draw::Ascending(0)) {
        write!(text, "{name}: ").unwrap();
        for byte in bytes {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    if std::env::var_os("NOKV_UPDATE_GOLDEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden.txt"), &text).unwrap();
        return;
    }
    for (want, got) in FILE.lines().zip(text.lines()) {
        assert_eq!(got, want);
    }
    assert_eq!(text.lines().count(), FILE.lines().count());
}

/// Reads a frame and writes it again.
pub(crate) fn read_and_write(bytes: &[u8]) -> nokv_protocol::Result<Vec<u8>> {
    let mut out = Vec::new();
    with_frame(bytes, |frame| {
        let (id, max) = (frame.id, FRAME_BYTES_MAX);
        match frame.kind()? {
            FrameKind::Hello => Hello::decode(frame)?.encode(id, &mut out),
            FrameKind::Welcome => Welcome::decode(frame)?.encode(id, &mut out),
            FrameKind::Refused => Refused::decode(frame)?.encode(id, &mut out),
            FrameKind::Call => Call::decode(frame)?.encode(id, max, &mut out),
            FrameKind::Answers => Answers::decode(frame)?.encode(id, max, &mut out),
            FrameKind::Push => Push::decode(frame)?.encode(max, &mut out),
            FrameKind::Notice => Notice::decode(frame)?.encode(max, &mut out),
            kind @ (FrameKind::Ping | FrameKind::Pong) => {
                put_empty_frame(&mut out, kind, id);
                Ok(())
            }
        }
    })?;
    Ok(out)
}

#[test]
fn the_fixed_bytes_are_read_and_written_again() {
    for line in FILE.lines() {
        let bytes = bytes_of(line);
        assert_eq!(read_and_write(&bytes).as_ref(), Ok(&bytes), "{line}");
    }
}

/// The bytes of a line of the file.
pub(crate) fn bytes_of(line: &str) -> Vec<u8> {
    let (_, hex) = line.split_once(": ").unwrap();
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// All fixed frames.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    FILE.lines().map(bytes_of).collect()
}

#[test]
fn there_is_a_sample_of_every_operation_answer_push_and_notice() {
    let draw = &mut Draw::Ascending(0);
    let ops: BTreeSet<OpKind> = samples::ops(draw).iter().map(|op| op.kind().unwrap()).collect();
    assert_eq!(ops, OpKind::ALL.iter().copied().collect());
    let shapes: BTreeSet<Shape> = samples::dones(draw)
        .iter()
        .map(|(_, done)| done.shape())
        .collect();
    assert_eq!(shapes, Shape::ALL.iter().copied().collect());
    let pushes: BTreeSet<u16> = samples::pushes(draw).iter().map(Push::number).collect();
    assert_eq!(pushes, Push::NUMBERS.iter().map(|(number, _)| *number).collect());
    let notices: BTreeSet<u16> = samples::notices(draw).iter().map(Notice::number).collect();
    assert_eq!(
        notices,
        Notice::NUMBERS.iter().map(|(number, _)| *number).collect()
    );
}
