//! What it costs to write and to read each kind of message, ns: `cargo run --release -p nokv-protocol --example
//! codec_rate`. A figure for people; nothing is asserted.

#![expect(clippy::unwrap_used, reason = "an example that cannot go on ends")]

use nokv_protocol::limits::FRAME_BYTES_MAX;
use nokv_protocol::{
    Answers, Ask, Call, CallHead, Done, FrameReader, Grant, Identity, Item, LeaseKind, LeaseKinds, Op,
    OpKind, PREFACE,
};
use nokv_types::{
    Attr, Command, DirEntry, DirPage, Extent, FileKind, Found, Ino, Name, NewBody, NewInode, NewKind, Node,
    Outcome, QuotaId, ReadPoint, Reply, SessionId, Source, Target, TimelineId, Version,
};
use std::hint::black_box;
use std::time::Instant;

/// Messages of one measurement.
const ROUNDS: u32 = 20_000;

fn main() {
    println!(
        "{:<28} {:>8} {:>12} {:>12}",
        "message", "bytes", "write ns", "read ns"
    );
    calls();
    answers();
}

fn calls() {
    show_call("lookup", vec![lookup()]);
    show_call("walk of 4 names", vec![walk()]);
    show_call("create", vec![create(0)]);
    show_call("128 creates", (0..128).map(create).collect());
    show_call("publish, 1 KiB inline", vec![publish(1024)]);
}

fn answers() {
    let grant = Grant {
        number: 1_000_000,
        kinds: LeaseKinds::NONE.with(LeaseKind::Entry).with(LeaseKind::Attribute),
    };
    let found = Done::Found(Found {
        node: node(1_000_000),
        attr: attr(),
    });
    show_answers("lookup", vec![item(OpKind::Lookup, found, Some(grant))]);
    let made = Done::Changed(Reply {
        version: Version(1 << 40),
        outcome: Outcome::Inode(node(1_000_000), attr()),
    });
    show_answers("create", vec![item(OpKind::Create, made.clone(), None)]);
    show_answers("128 creates", vec![item(OpKind::Create, made, None); 128]);
    let entry = |at: u64| DirEntry {
        name: name(at),
        node: node(at),
        kind: FileKind::File,
        attr: Some(attr()),
    };
    let page = Done::Dir(DirPage {
        entries: (0..1000).map(entry).collect(),
        more: false,
    });
    show_answers(
        "1000 entries, attributes",
        vec![item(OpKind::ReadDir, page, None)],
    );
}

fn show_call(name: &str, ops: Vec<Op>) {
    let call = Call {
        head: CallHead {
            identity: Some(Identity {
                session: SessionId(u64::MAX / 3),
                sequence: 1_000_000,
                retired_below: 999_990,
                ..Identity::default()
            }),
            leases: true,
            ..CallHead::default()
        },
        ops: ops
            .into_iter()
            .map(|op| (op.kind().unwrap() as u16, Ok(op)))
            .collect(),
    };
    show(
        &format!("call: {name}"),
        |out| call.encode(1, FRAME_BYTES_MAX, out).unwrap(),
        |frame| drop(black_box(Call::decode(frame).unwrap())),
    );
}

fn show_answers(name: &str, items: Vec<Item>) {
    let answers = Answers {
        seen: Version(1 << 40),
        items,
    };
    show(
        &format!("answers: {name}"),
        |out| answers.encode(1, FRAME_BYTES_MAX, out).unwrap(),
        |frame| drop(black_box(Answers::decode(frame).unwrap())),
    );
}

/// Times both directions, checksums and framing included.
#[expect(clippy::disallowed_methods, reason = "an example that measures reads a clock")]
fn show(name: &str, write: impl Fn(&mut Vec<u8>), read: impl Fn(&nokv_protocol::Frame<'_>)) {
    let mut out = Vec::new();
    write(&mut out);
    let bytes = out.len();
    let rounds = (ROUNDS / (1 + bytes as u32 / 1000)).max(100);
    let begun = Instant::now();
    for _ in 0..rounds {
        out.clear();
        write(black_box(&mut out));
    }
    let written = begun.elapsed();
    let mut reader = FrameReader::new();
    reader.push(&PREFACE);
    let begun = Instant::now();
    for _ in 0..rounds {
        reader.push(black_box(&out));
        read(&reader.next().unwrap().unwrap());
    }
    let took = begun.elapsed();
    let each = |time: std::time::Duration| time.as_nanos() / u128::from(rounds);
    println!("{name:<28} {bytes:>8} {:>12} {:>12}", each(written), each(took));
}

fn lookup() -> Op {
    Op::Ask(Ask::Lookup {
        point: point(),
        dir: Ino(1_000_000),
        name: name(7),
    })
}

fn walk() -> Op {
    let path = nokv_types::NsPath::parse(b"/runs/2026-11-22/shard-00017/checkpoint.bin").unwrap();
    Op::Ask(Ask::Walk {
        point: point(),
        from: Ino(1),
        path,
    })
}

fn create(at: u64) -> Op {
    Op::Change(Command::Create {
        parent: node(1_000_000),
        name: name(at),
        inode: inode(),
        kind: NewKind::File,
    })
}

fn publish(bytes: usize) -> Op {
    let extent = Extent {
        at: 0,
        len: bytes as u32,
        source: Source::Inline(vec![7; bytes]),
    };
    Op::Change(Command::Publish {
        target: Target::Name {
            parent: node(1_000_000),
            name: name(1),
            inode: inode(),
            create_only: false,
        },
        body: NewBody::Whole {
            size: bytes as u64,
            extents: vec![extent],
        },
        expect: None,
        xattrs: Vec::new(),
    })
}

fn item(kind: OpKind, done: Done, grant: Option<Grant>) -> Item {
    Item {
        number: kind as u16,
        result: Ok(done),
        grant,
    }
}

fn name(at: u64) -> Name {
    Name::new(format!("file-{at:08}.bin").as_bytes()).unwrap()
}

fn node(ino: u64) -> Node {
    Node::new(TimelineId::FIRST, Ino(ino))
}

fn point() -> ReadPoint {
    ReadPoint {
        timeline: TimelineId::FIRST,
        version: Version::HEAD,
    }
}

fn inode() -> NewInode {
    NewInode {
        mode: 0o644,
        uid: 1000,
        gid: 1000,
    }
}

fn attr() -> Attr {
    let now = 1_763_800_000_000_000_000;
    Attr {
        kind: FileKind::File,
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        rdev: 0,
        nlink: 1,
        size: 4 << 20,
        allocated: 4 << 20,
        entries: 0,
        atime: now,
        mtime: now,
        ctime: now,
        btime: now,
        generation: Version(1 << 40),
        base: Version(1 << 40),
        quota: QuotaId(0),
    }
}
