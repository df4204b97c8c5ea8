//! Calls and their answers: what is understood, what is not, and what does not fit.

use crate::draw::Draw;
use crate::samples::{self, SESSION, with_frame};
use nokv_protocol::limits::{ACTOR_BYTES_MAX, FRAME_BYTES_MAX, FRAME_BYTES_MIN, OPS_MAX, RETIRED_MAX};
use nokv_protocol::{
    Answers, AnswersWriter, Ask, Call, CallHead, CallWriter, Done, ErrorKind, Frame, FrameKind, Identity, Op,
    OpKind,
};
use nokv_types::{
    Code, Command, Extent, Outcome, Refusal, Reply, RequestId, SessionId, Source, UploadId, Version, Work,
};

fn identified() -> CallHead {
    CallHead {
        identity: Some(Identity {
            session: SESSION,
            stream: 2,
            sequence: 3,
            part: 4,
            ..Identity::default()
        }),
        ..CallHead::default()
    }
}

fn write(head: &CallHead, ops: &[Op]) -> nokv_protocol::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = CallWriter::begin(&mut out, 1, head, FRAME_BYTES_MAX)?;
    for op in ops {
        writer.op(op)?;
    }
    writer.finish()?;
    Ok(out)
}

/// The operations of a call whose body was changed by `change`.
fn read_changed(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> nokv_protocol::Result<Call> {
    with_frame(bytes, |frame| {
        let mut body = frame.body.to_vec();
        change(&mut body);
        Call::decode(&Frame {
            body: &body,
            ..*frame
        })
    })
}

/// Where the first operation begins in the body of a call with the empty head: bits, actor, count.
const FIRST_OP_AT: usize = 4;

fn three_reads() -> Vec<u8> {
    let statfs = Op::Ask(Ask::StatFs {});
    write(
        &CallHead::default(),
        &[statfs.clone(), Op::Ask(Ask::Ready {}), statfs],
    )
    .unwrap()
}

fn codes(call: &Call) -> Vec<Option<Code>> {
    let code = |(_, op): &(u16, Result<Op, Refusal>)| op.as_ref().err().map(|refusal| refusal.code);
    call.ops.iter().map(code).collect()
}

#[test]
fn an_unknown_operation_is_answered_alone() {
    let call = read_changed(&three_reads(), |body| body[FIRST_OP_AT + 9] = 0x7f).unwrap();
    assert_eq!(codes(&call), [None, Some(Code::UnknownMessage), None]);
    assert_eq!(
        call.ops[1].0,
        0x7f00 | OpKind::Ready as u16,
        "its number is kept for the answer"
    );
}

#[test]
fn a_reserved_operation_is_unknown() {
    for number in nokv_protocol::RESERVED_OPS {
        assert_eq!(OpKind::from_number(number), None);
    }
}

#[test]
fn a_newer_version_of_an_operation_is_answered_alone() {
    let call = read_changed(&three_reads(), |body| body[FIRST_OP_AT + 2] = 2).unwrap();
    assert_eq!(codes(&call), [Some(Code::TooNew), None, None]);
    let call = read_changed(&three_reads(), |body| body[FIRST_OP_AT + 2] = 0).unwrap();
    assert_eq!(codes(&call), [Some(Code::Malformed), None, None]);
}

#[test]
fn a_malformed_operation_is_answered_alone() {
    let name = nokv_types::Name::new(b"abc").unwrap();
    let lookup = Op::Ask(Ask::Lookup {
        point: Draw::Ascending(0).point(),
        dir: nokv_types::Ino(1),
        name,
    });
    let bytes = write(&CallHead::default(), &[lookup, Op::Ask(Ask::StatFs {})]).unwrap();
    let call = read_changed(&bytes, |body| {
        let at = body.windows(3).position(|bytes| bytes == b"abc").unwrap();
        body[at] = b'/';
    })
    .unwrap();
    assert_eq!(codes(&call), [Some(Code::Malformed), None]);
}

#[test]
fn a_list_that_cannot_be_told_apart_is_refused_as_a_whole() {
    for (at, value) in [
        (0, 0x80),               // bits that mean nothing
        (2, 0),                  // no operation at all
        (2, 4),                  // one more than there are
        (FIRST_OP_AT + 3, 1),    // flags of an operation
        (FIRST_OP_AT + 7, 0x7f), // a length behind the end
    ] {
        let error = read_changed(&three_reads(), |body| body[at] = value).unwrap_err();
        assert_eq!(
            (error.kind, error.is_fatal()),
            (ErrorKind::Malformed, false),
            "{at}"
        );
    }
    let error = read_changed(&three_reads(), |body| body.push(0)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Malformed);
}

#[test]
fn every_operation_has_an_identity_of_its_own() {
    let id = |part| RequestId {
        session: SESSION,
        stream: 2,
        sequence: 3,
        part,
    };
    let identity = identified().identity.unwrap();
    assert_eq!((identity.of(0), identity.of(9)), (id(4), id(13)));
}

#[test]
fn a_change_without_an_identity_is_not_sent_and_not_taken() {
    let change = Op::Change(Command::AbandonUpload { upload: UploadId(1) });
    let error = write(&CallHead::default(), std::slice::from_ref(&change)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unencodable);
    // As a peer would that does not check: the number of a question is replaced.
    let unwatch = Op::Ask(Ask::Unwatch { watch: 1 });
    let bytes = write(&CallHead::default(), &[unwatch]).unwrap();
    let abandon = OpKind::AbandonUpload as u16;
    let call = read_changed(&bytes, |body| {
        body[FIRST_OP_AT..FIRST_OP_AT + 2].copy_from_slice(&abandon.to_le_bytes());
    })
    .unwrap();
    assert_eq!(codes(&call), [Some(Code::Malformed)]);
}

#[test]
fn what_only_the_server_does_cannot_be_sent() {
    let session = SessionId(1);
    let inline = |at| Extent {
        at,
        len: 2,
        source: Source::Inline(b"ab".to_vec()),
    };
    let node = Draw::Ascending(0).node();
    for command in [
        Command::Work(Work::AdvanceTime),
        Command::SessionOpen { session, ttl_ns: 1 },
        Command::SessionClose { session },
        Command::Open { session, node },
        Command::Append {
            node,
            extents: vec![inline(0), inline(1)],
        },
        Command::Append {
            node,
            extents: vec![inline(u64::MAX)],
        },
    ] {
        let error = write(&identified(), &[Op::Change(command.clone())]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unencodable, "{command:?}");
        assert_eq!(error.refusal().code, Code::Invalid);
        let rehearsal = Op::Ask(Ask::Rehearse { command });
        let error = write(&identified(), &[rehearsal]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unencodable);
    }
}

#[test]
fn heads_above_their_limits_are_not_sent() {
    let mut long = identified();
    long.actor = vec![b'a'; ACTOR_BYTES_MAX + 1];
    let mut many = identified();
    many.identity.as_mut().unwrap().retired = vec![(1, 1); RETIRED_MAX + 1];
    for head in [long, many] {
        let error = write(&head, &[Op::Ask(Ask::StatFs {})]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
    }
}

#[test]
fn a_call_that_is_full_takes_no_more_and_can_still_be_sent() {
    let mut out = Vec::new();
    let mut writer = CallWriter::begin(&mut out, 1, &CallHead::default(), FRAME_BYTES_MAX).unwrap();
    for _ in 0..OPS_MAX {
        writer.ask(&Ask::StatFs {}).unwrap();
    }
    assert_eq!(writer.ask(&Ask::StatFs {}).unwrap_err().kind, ErrorKind::TooLarge);
    writer.finish().unwrap();
    assert_eq!(with_frame(&out, Call::decode).unwrap().ops.len(), OPS_MAX);

    let mut out = Vec::new();
    let mut writer = CallWriter::begin(&mut out, 1, &identified(), FRAME_BYTES_MIN).unwrap();
    let large = Command::SetXattr {
        node: Draw::Ascending(0).node(),
        name: Draw::Ascending(0).xattr(),
        value: vec![7; FRAME_BYTES_MIN as usize / 2],
        mode: nokv_types::XattrMode::Any,
    };
    writer.change(&large).unwrap();
    assert_eq!(writer.change(&large).unwrap_err().kind, ErrorKind::TooLarge);
    assert_eq!(writer.count(), 1);
    writer.finish().unwrap();
    assert!(out.len() <= FRAME_BYTES_MIN as usize);
    assert_eq!(
        with_frame(&out, Call::decode).unwrap().ops[0].1,
        Ok(Op::Change(large))
    );
}

#[test]
fn a_call_that_is_dropped_leaves_nothing_behind() {
    let mut out = b"before".to_vec();
    let mut writer = CallWriter::begin(&mut out, 1, &CallHead::default(), FRAME_BYTES_MAX).unwrap();
    writer.ask(&Ask::StatFs {}).unwrap();
    drop(writer);
    AnswersWriter::begin(&mut out, 1, FRAME_BYTES_MAX);
    assert_eq!(out, b"before");
    let writer = CallWriter::begin(&mut out, 1, &CallHead::default(), FRAME_BYTES_MAX).unwrap();
    assert_eq!(writer.finish().unwrap_err().kind, ErrorKind::Unencodable);
    assert_eq!(out, b"before", "a call without operations is none");
}

#[test]
fn an_answer_must_be_that_of_its_operation() {
    let mut out = Vec::new();
    let mut writer = AnswersWriter::begin(&mut out, 1, FRAME_BYTES_MAX);
    let error = writer
        .done(OpKind::Lookup, &Done::Version(Version(1)), None)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unencodable);
}

#[test]
fn there_is_always_room_to_tell_what_became_of_changes() {
    let mut out = Vec::new();
    let mut writer = AnswersWriter::begin(&mut out, 1, FRAME_BYTES_MIN);
    let page = Done::Bytes(vec![0; 100_000]);
    let mut pages = 0;
    while writer.done(OpKind::ReadLink, &page, None).is_ok() {
        pages += 1;
    }
    let draw = &mut Draw::Random(1);
    let changed = Done::Changed(Reply {
        version: draw.version(),
        outcome: Outcome::Inode(draw.node(), draw.attr()),
    });
    let refusal = Refusal::new(Code::TooLarge, "the answer").detail("it does not fit the frame");
    let failure = refusal.into();
    for _ in 0..500 {
        writer.done(OpKind::Create, &changed, None).unwrap();
        writer.refused(OpKind::ReadLink as u16, &failure, None).unwrap();
    }
    writer.finish(Version(9)).unwrap();
    let answers = with_frame(&out, Answers::decode).unwrap();
    assert_eq!((answers.items.len(), answers.seen), (pages + 1000, Version(9)));
    assert!(pages > 5);
}

#[test]
fn a_change_is_answered_with_the_bytes_that_the_log_keeps() {
    let draw = &mut Draw::Ascending(0);
    let reply = Reply {
        version: draw.version(),
        outcome: Outcome::Removed(draw.node()),
    };
    let mut kept = Vec::new();
    nokv_types::codec::put_answer(&mut kept, &Ok(reply.clone()));
    let mut out = Vec::new();
    let mut writer = AnswersWriter::begin(&mut out, 1, FRAME_BYTES_MAX);
    writer.done(OpKind::Unlink, &Done::Changed(reply), None).unwrap();
    writer.finish(Version(1)).unwrap();
    assert!(out.ends_with(&kept));
}

#[test]
fn frames_in_one_buffer_are_one_burst() {
    let mut out = Vec::new();
    for id in 1..=3 {
        let call = samples::plain_call(Op::Ask(Ask::StatFs {}));
        call.encode(id, FRAME_BYTES_MAX, &mut out).unwrap();
    }
    let mut reader = nokv_protocol::FrameReader::new();
    reader.push(&nokv_protocol::PREFACE);
    reader.push(&out);
    for id in 1..=3 {
        let frame = reader.next().unwrap().unwrap();
        assert_eq!((frame.id, frame.kind()), (id, Ok(FrameKind::Call)));
    }
}
