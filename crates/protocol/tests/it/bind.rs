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
    current.note(&root, Some(&Done::View(view)));
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
    current.note(&walk, Some(&Done::Walked(walked)));
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
    current.note(&create, Some(&Done::Changed(reply)));
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
    current.note(&open, Some(&Done::Changed(reply)));
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
    current.note(&version, Some(&Done::Version(Version(4))));
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
    current.note(&root, Some(&Done::View(view)));
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
        Some(&Done::Changed(reply)),
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

fn found(ino: u64) -> Found {
    Found {
        node: Node::new(NODE.timeline, Ino(ino)),
        attr: Draw::Ascending(0).attr(),
    }
}

#[test]
fn after_a_refusal_nothing_is_current() {
    let get = |ino| {
        Op::Ask(Ask::GetAttr {
            point: at(9),
            ino: Ino(ino),
        })
    };
    let mut current = Current::default();
    current.note(&get(5), Some(&Done::Attr(found(5).attr)));
    assert!(current.bind(&mut plan()).is_ok());
    current.note(&get(6), None);
    assert!(current.bind(&mut plan()).is_err(), "what it meant is not there");
}

#[test]
fn a_walk_that_ends_early_leaves_nothing_current() {
    let walk = |path: &[u8]| {
        Op::Ask(Ask::Walk {
            point: at(9),
            from: Ino(1),
            path: NsPath::parse(path).unwrap(),
        })
    };
    let missing = nokv_types::Refusal::new(Code::NotFound, "/a/b");
    let walked = |found, stopped| Done::Walked(Walked { found, stopped });
    let mut current = Current::default();
    current.note(&walk(b"/a/b"), Some(&walked(vec![found(5)], Some(missing))));
    assert!(current.bind(&mut plan()).is_err(), "not the directory on the way");
    current.note(&walk(b"/"), Some(&walked(Vec::new(), None)));
    let mut read = plan();
    current.bind(&mut read).unwrap();
    assert_eq!(
        place_of(&read),
        (at(9), Ino(1)),
        "an empty path is where it begins"
    );
}

#[test]
fn what_an_operation_read_is_current_when_it_gives_nothing_else() {
    let mut current = Current::default();
    let lookup = Op::Ask(Ask::Lookup {
        point: at(9),
        dir: Ino(1),
        name: Name::new(b"a").unwrap(),
    });
    current.note(&lookup, Some(&Done::Found(found(5))));
    let other = Op::Ask(Ask::GetAttr {
        point: at(8),
        ino: Ino(7),
    });
    current.note(&other, Some(&Done::Attr(found(7).attr)));
    let mut read = plan();
    current.bind(&mut read).unwrap();
    assert_eq!(place_of(&read), (at(8), Ino(7)));
    let unlink = Op::Change(Command::Unlink {
        parent: NODE,
        name: Name::new(b"a").unwrap(),
    });
    let rehearsed = Op::Ask(Ask::Rehearse {
        command: Command::RootDelete { name: Vec::new() },
    });
    let reply = |outcome| {
        Done::Changed(Reply {
            version: Version(3),
            outcome,
        })
    };
    current.note(&unlink, Some(&reply(Outcome::Removed(NODE))));
    current.note(&rehearsed, Some(&reply(Outcome::Inode(NODE, found(7).attr))));
    let mut again = plan();
    current.bind(&mut again).unwrap();
    assert_eq!(place_of(&again), (at(8), Ino(7)), "neither gave a node");
}
