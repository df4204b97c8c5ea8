//! One or more of every message, out of a [`Draw`].

mod answers;
mod asks;
mod commands;
mod shakes;

pub(crate) use answers::dones;
pub(crate) use asks::asks;
pub(crate) use commands::commands;
pub(crate) use shakes::{hellos, notices, pushes, refuseds, welcomes};

use crate::draw::Draw;
use nokv_protocol::limits::FRAME_BYTES_MAX;
use nokv_protocol::{Answers, Call, CallHead, Frame, FrameReader, Grant, Identity, Item, Op, put_preface};
use nokv_types::SessionId;

/// The session of all samples.
pub(crate) const SESSION: SessionId = SessionId(0x1122_3344_5566_7788);

/// Every operation.
pub(crate) fn ops(draw: &mut Draw) -> Vec<Op> {
    let commands = commands(draw).into_iter().map(Op::Change);
    commands.chain(asks(draw).into_iter().map(Op::Ask)).collect()
}

/// Heads of calls.
pub(crate) fn heads(draw: &mut Draw) -> Vec<CallHead> {
    draw.restart();
    let identity = Identity {
        session: SESSION,
        stream: draw.u32(),
        sequence: draw.num(),
        part: draw.u32(),
        retired_below: draw.num(),
        retired: draw.list(|draw| (draw.u32(), draw.num())),
    };
    vec![
        CallHead::default(),
        CallHead {
            stop_on_error: true,
            leases: true,
            ..CallHead::default()
        },
        CallHead {
            stop_on_error: draw.flag(),
            durable: draw.flag(),
            leases: draw.flag(),
            identity: Some(identity),
            deadline_ms: draw.maybe(Draw::u32),
            actor: b"somebody".to_vec(),
        },
    ]
}

/// A call of these operations, which may change things.
pub(crate) fn call(draw: &mut Draw, ops: Vec<Op>) -> Call {
    Call {
        head: heads(draw).pop().unwrap(),
        ops: ops
            .into_iter()
            .map(|op| (op.kind().unwrap() as u16, Ok(op)))
            .collect(),
    }
}

/// A call with the smallest head that these operations can have.
pub(crate) fn plain_call(op: Op) -> Call {
    let head = CallHead {
        identity: matches!(op, Op::Change(_)).then(|| Identity {
            session: SESSION,
            ..Identity::default()
        }),
        ..CallHead::default()
    };
    Call {
        head,
        ops: vec![(op.kind().unwrap() as u16, Ok(op))],
    }
}

/// Answers of every shape, done and refused, with and without grants.
pub(crate) fn answers(draw: &mut Draw) -> Vec<Answers> {
    let items = dones(draw).into_iter().map(|(kind, done)| Item {
        number: kind as u16,
        result: Ok(done),
        grant: None,
    });
    let mut all: Vec<Answers> = items
        .map(|item| Answers {
            seen: nokv_types::Version(300),
            items: vec![item],
        })
        .collect();
    let refusal = nokv_types::Refusal::new(nokv_types::Code::NotFound, draw.text()).detail(draw.text());
    let failure = nokv_protocol::Failure {
        refusal,
        hint: draw.maybe(Draw::num),
    };
    let item = |result, grant| Item {
        number: nokv_protocol::OpKind::Lookup as u16,
        result,
        grant,
    };
    let grant = Grant {
        number: draw.num(),
        kinds: draw.kinds(),
    };
    let found = nokv_types::Found {
        node: draw.node(),
        attr: draw.attr(),
    };
    all.push(Answers {
        seen: draw.version(),
        items: vec![
            item(Ok(nokv_protocol::Done::Found(found)), Some(grant)),
            item(Err(failure.clone()), Some(grant)),
            Item {
                number: 9999,
                result: Err(failure),
                grant: None,
            },
        ],
    });
    all
}

/// The one frame in these bytes, to the end.
pub(crate) fn with_frame<T>(bytes: &[u8], run: impl FnOnce(&Frame<'_>) -> T) -> T {
    let mut reader = FrameReader::new();
    reader.set_frame_max(FRAME_BYTES_MAX);
    let mut preface = Vec::new();
    put_preface(&mut preface);
    reader.push(&preface);
    reader.push(bytes);
    let result = run(&reader.next().unwrap().unwrap());
    assert!(reader.next().unwrap().is_none());
    assert_eq!(reader.buffered(), 0);
    result
}
