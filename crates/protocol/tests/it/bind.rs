//! Operations that speak of what an earlier one of their call gave.

use crate::draw::Draw;
use nokv_protocol::{Ask, CURRENT, CURRENT_HANDLE, CURRENT_POINT, Current, Done, Op, Walked};
use nokv_types::{
    At, Code, Command, Found, Ino, Name, NewInode, NewKind, Node, NsPath, Outcome, ReadPoint, Reply,
    SessionId, TimelineId, Version, View,
};

const NODE: Node = Node {
    timeline: TimelineId(3),
    ino: Ino(40),
};

fn at(version: u64) -> ReadPoint {
    ReadPoint {
        timeline: NODE.timeline,
        version: Version(version),
    }
}

fn plan() -> Op {
    Op::Ask(Ask::ReadPlan {
        point: CURRENT_POINT,
        ino: CURRENT.ino,
        offset: 0,
        len: 10,
        urls: true,
    })
}

fn place_of(op: &Op) -> (ReadPoint, Ino) {
    let Op::Ask(Ask::ReadPlan { point, ino, .. }) = op else {
        unreachable!("not a plan: {op:?}")
    };
    (*point, *ino)
}

#[test]
fn a_path_is_resolved_and_read_in_one_call() {
    let mut current = Current::default();
    let view = View {
        point: at(9),
        node: NODE,
    };
    let root = Op::Ask(Ask::ResolveAt {
        root: b"main".to_vec(),
        at: At::Version(Version(9)),
    });
    current.note(&root, &Done::View(view));
    let mut walk = Op::Ask(Ask::Walk {
        point: CURRENT_POINT,
        from: CURRENT.ino,
        path: NsPath::parse(b"/a").unwrap(),
    });
    current.bind(&mut walk).unwrap();
    let Op::Ask(Ask::Walk { point, from, .. }) = &walk else {
        unreachable!("not a walk")
    };
    assert_eq!((*point, *from), (at(9), NODE.ino));
    let found = Found {
        node: Node::new(NODE.timeline, Ino(41)),
        attr: Draw::Ascending(0).attr(),
    };
    let walked = Walked {
        found: vec![found],
        stopped: None,
    };
    current.note(&walk, &Done::Walked(walked));
    let mut read = plan();
    current.bind(&mut read).unwrap();
    assert_eq!(place_of(&read), (at(9), Ino(41)), "still at that version");
}

#[test]
fn a_file_is_made_opened_and_read_in_one_call() {
    let mut current = Current::default();
    let create = Op::Change(Command::Create {
        parent: Node::new(NODE.timeline, Ino(1)),
        name: Name::new(b"f").unwrap(),
        inode: NewInode {
            mode: 0o644,
            uid: 1,
            gid: 1,
        },
        kind: NewKind::File,
    });
    let reply = Reply {
        version: Version(7),
        outcome: Outcome::Inode(NODE, Draw::Ascending(0).attr()),
    };
    current.note(&create, &Done::Changed(reply));
    let session = SessionId(5);
    let mut open = Op::Change(Command::Open {
        session,
        node: CURRENT,
    });
    current.bind(&mut open).unwrap();
    assert_eq!(open, Op::Change(Command::Open { session, node: NODE }));
    let reply = Reply {
        version: Version(8),
        outcome: Outcome::Opened {
            handle: 8,
            node: NODE,
            attr: Draw::Ascending(0).attr(),
        },
    };
    current.note(&open, &Done::Changed(reply));
    let mut close = Op::Change(Command::Close {
        session,
        handle: CURRENT_HANDLE,
    });
    current.bind(&mut close).unwrap();
    assert_eq!(close, Op::Change(Command::Close { session, handle: 8 }));
    let mut read = plan();
    current.bind(&mut read).unwrap();
    assert_eq!(
        place_of(&read),
        (View::head_of(NODE).point, NODE.ino),
        "what was made is read where it was made"
    );
}

#[test]
fn nothing_is_current_at_the_beginning_of_a_call() {
    let refusal = Current::default().bind(&mut plan()).unwrap_err();
    assert_eq!(refusal.code, Code::Invalid);
    let mut current = Current::default();
    let version = Op::Ask(Ask::NewestVersion {});
    current.note(&version, &Done::Version(Version(4)));
    assert!(current.bind(&mut plan()).is_err(), "a version is no node");
}

/// Whether an operation still speaks of the current node or state; looks at its bytes, not at its fields.
fn is_unbound(op: &Op) -> bool {
    Current::default().bind(&mut op.clone()).is_err()
}

#[test]
fn what_names_its_nodes_is_left_alone_and_what_does_not_is_bound_everywhere() {
    let mut current = Current::default();
    let view = View {
        point: at(9),
        node: NODE,
    };
    let root = Op::Ask(Ask::ResolveAt {
        root: Vec::new(),
        at: At::Head,
    });
    current.note(&root, &Done::View(view));
    let reply = Reply {
        version: Version(8),
        outcome: Outcome::Opened {
            handle: 8,
            node: NODE,
            attr: Draw::Ascending(0).attr(),
        },
    };
    current.note(
        &Op::Change(Command::RootDelete { name: Vec::new() }),
        &Done::Changed(reply),
    );
    let mut bound = 0;
    for op in crate::samples::ops(&mut Draw::Ascending(0)) {
        let mut same = op.clone();
        current.bind(&mut same).unwrap();
        assert_eq!(same, op, "it names what it speaks of");
    }
    // Drawn from nothing, every node and state is the current one.
    for mut op in crate::samples::ops(&mut Draw::Zero) {
        if is_unbound(&op) {
            current.bind(&mut op).unwrap();
            assert!(!is_unbound(&op), "{op:?}");
            bound += 1;
        }
    }
    assert!(bound >= 40, "{bound} operations speak of a node");
}
