//! Whole publishes: what they write, charge and refuse.

use super::support::{Bodies, MIB, blank, inline, inode, named, refusal};
use crate::world::{HEAD, ROOT};
use nokv_types::{
    Code, Command, Extent, NewBody, NewKind, ObjectId, QuotaLimits, Source, Target, Version, XattrName,
};

#[test]
fn a_published_body_is_read_back_and_charged() {
    let mut bodies = Bodies::new();
    let stored = bodies.stored(10, b"stored");
    let node = bodies.file("a", 20, vec![inline(2, b"in"), stored]);
    assert_eq!(bodies.read(node), b"\0\0in\0\0\0\0\0\0stored\0\0\0\0");
    let attr = bodies.attr(node);
    assert_eq!((attr.size, attr.allocated), (20, 8));
    assert_eq!((attr.generation, attr.base), (bodies.version(), bodies.version()));
    let cut = bodies.plan(node, 3, 9);
    assert_eq!(cut.size, 20);
    assert_eq!(cut.extents[0], inline(3, b"n"));
    assert_eq!((cut.extents[1].at, cut.extents[1].len), (10, 2));
    assert!(bodies.plan(node, 20, 5).extents.is_empty());
    bodies.prove();
}

#[test]
fn a_publish_by_name_makes_the_file_or_gives_it_a_new_body() {
    let mut bodies = Bodies::new();
    let first = bodies.file("a", 3, vec![inline(0, b"one")]);
    let second = bodies.file("a", 5, vec![inline(0, b"three")]);
    assert_eq!(first, second);
    assert_eq!(bodies.read(first), b"three");
    assert_eq!(bodies.world.names(ROOT), ["a"]);
    let Target::Name {
        parent, name, inode, ..
    } = named("a")
    else {
        unreachable!()
    };
    let once = Target::Name {
        parent,
        name,
        inode,
        create_only: true,
    };
    assert_eq!(refusal(bodies.publish(once, 0, Vec::new())).code, Code::Exists);
    assert_eq!(bodies.read(first), b"three");
}

#[test]
fn a_publish_that_expects_another_generation_is_refused() {
    let mut bodies = Bodies::new();
    let mut publish = |target: Target, expect| {
        bodies.run(Command::Publish {
            target,
            body: NewBody::Whole {
                size: 1,
                extents: vec![inline(0, b"x")],
            },
            expect: Some(expect),
            xattrs: Vec::new(),
        })
    };
    assert_eq!(refusal(publish(named("a"), Version(7))).code, Code::Conflict);
    let (node, attr) = inode(publish(named("a"), Version::ZERO));
    assert_eq!(refusal(publish(named("a"), Version::ZERO)).code, Code::Conflict);
    assert_eq!(
        refusal(publish(Target::Node(node), Version(1))).code,
        Code::Conflict
    );
    inode(publish(Target::Node(node), attr.generation));
}

#[test]
fn extended_attributes_come_with_the_body_or_not_at_all() {
    let mut bodies = Bodies::new();
    let xattr = |text: &str| XattrName::new(text.as_bytes()).unwrap();
    let publish = |value: usize| Command::Publish {
        target: named("a"),
        body: NewBody::Whole {
            size: 0,
            extents: Vec::new(),
        },
        expect: None,
        xattrs: vec![
            (xattr("user.a"), b"1".to_vec()),
            (xattr("user.b"), vec![0; value]),
        ],
    };
    assert_eq!(refusal(bodies.run(publish(40_000))).code, Code::TooLarge);
    assert!(bodies.world.names(ROOT).is_empty());
    let (node, _) = inode(bodies.run(publish(3)));
    let value = bodies.reader(|reader| reader.xattr(HEAD, node.ino, &xattr("user.b")));
    assert_eq!(value.unwrap(), [0; 3]);
    inode(bodies.run(publish(4)));
    let value = bodies.reader(|reader| reader.xattr(HEAD, node.ino, &xattr("user.b")));
    assert_eq!(value.unwrap(), [0; 4]);
}

type Case = (&'static str, u64, Vec<Extent>, Code);

/// Lists that are wrong in themselves.
fn wrong_lists() -> Vec<Case> {
    let long = Extent {
        len: 4,
        ..inline(0, b"abc")
    };
    vec![
        (
            "overlap",
            9,
            vec![inline(0, b"ab"), inline(1, b"c")],
            Code::Invalid,
        ),
        (
            "descending",
            9,
            vec![inline(4, b"a"), inline(1, b"c")],
            Code::Invalid,
        ),
        ("empty extent", 9, vec![inline(0, b"")], Code::Invalid),
        (
            "inline too long",
            5000,
            vec![inline(0, &[1; 4097])],
            Code::TooLarge,
        ),
        ("inline of another length", 9, vec![long], Code::Invalid),
        ("behind the end", 1, vec![inline(0, b"ab")], Code::Invalid),
        ("too large", u64::MAX, Vec::new(), Code::TooLarge),
        (
            "extent too far",
            u64::MAX,
            vec![inline(u64::MAX - 1, b"ab")],
            Code::TooLarge,
        ),
    ]
}

/// Lists that refer wrongly to an object.
fn wrong_slices(id: ObjectId) -> Vec<Case> {
    let other = |window_offset, stored_offset| {
        let mut extent = blank(0, 5, id);
        if let Source::Slice(slice) = &mut extent.source {
            (slice.window_offset, slice.stored_offset) = (window_offset, stored_offset);
        }
        vec![extent]
    };
    let many = (0..2000).map(|at| blank(at * 2, 1, id)).collect();
    let (unknown, guessed) = (ObjectId(77 << 16), ObjectId(id.0 ^ 1 << 100));
    vec![
        ("window behind the stored range", 9, other(1, 0), Code::Invalid),
        ("window that overflows", 9, other(u32::MAX, 0), Code::Invalid),
        (
            "range behind all offsets",
            9,
            other(0, u64::MAX - 1),
            Code::Invalid,
        ),
        (
            "never reserved",
            9,
            vec![blank(0, 5, unknown)],
            Code::UploadExpired,
        ),
        ("guessed", 9, vec![blank(0, 5, guessed)], Code::UploadExpired),
        ("too many extents in a row", 5000, many, Code::TooMany),
    ]
}

#[test]
fn malformed_bodies_are_refused_and_change_nothing() {
    let mut bodies = Bodies::new();
    let id = bodies.id();
    let node = bodies.file("a", 1, vec![inline(0, b"x")]);
    let before = bodies.world.store.to_rows();
    for (what, size, extents, code) in wrong_lists().into_iter().chain(wrong_slices(id)) {
        let refused = refusal(bodies.publish(Target::Node(node), size, extents));
        assert_eq!(refused.code, code, "{what}: {refused}");
        assert_eq!(bodies.world.store.to_rows(), before, "{what}");
    }
    let refused = refusal(bodies.publish(named("b"), 9, vec![blank(0, 5, ObjectId(77 << 16))]));
    assert!(refused.subject.contains("4d0000"), "{refused} names the object");
    assert_eq!(bodies.world.store.to_rows(), before);
}

#[test]
fn only_regular_files_have_bodies() {
    let mut bodies = Bodies::new();
    let dir = bodies.world.create(ROOT, "dir", NewKind::Directory);
    let link = bodies
        .world
        .create(ROOT, "link", NewKind::Symlink(b"to".to_vec()));
    let mut code = |target| refusal(bodies.publish(target, 0, Vec::new())).code;
    assert_eq!(code(Target::Node(dir)), Code::IsADirectory);
    assert_eq!(code(Target::Node(link)), Code::WrongKind);
    assert_eq!(code(named("dir")), Code::IsADirectory);
    let mut gone = link;
    gone.ino.0 += 100;
    assert_eq!(code(Target::Node(gone)), Code::NotFound);
    let plan = |ino| {
        bodies
            .reader(|reader| reader.read_plan(HEAD, ino, 0, 1))
            .unwrap_err()
            .code()
    };
    assert_eq!(plan(dir.ino), Some(Code::IsADirectory));
    assert_eq!(plan(link.ino), Some(Code::WrongKind));
}

#[test]
fn bodies_are_charged_by_their_data_and_never_beyond_the_quota() {
    let mut bodies = Bodies::new();
    let limits = QuotaLimits {
        bytes: Some(10),
        inodes: None,
    };
    bodies.run(Command::SetQuota { node: ROOT, limits }).unwrap();
    let node = bodies.file("a", 100 << 30, vec![inline(MIB, b"1234567")]);
    assert_eq!(
        refusal(bodies.publish(named("b"), 4, vec![inline(0, b"1234")])).code,
        Code::NoSpace
    );
    assert_eq!(bodies.world.names(ROOT), ["a"]);
    bodies.publish(named("b"), 3, vec![inline(0, b"123")]).unwrap();
    let append = |bodies: &mut Bodies| {
        bodies.run(Command::Append {
            node,
            extents: vec![inline(0, b"x")],
        })
    };
    assert_eq!(refusal(append(&mut bodies)).code, Code::NoSpace);
    bodies.run(Command::SetSize { node, size: MIB + 6 }).unwrap();
    append(&mut bodies).unwrap();
    bodies.unlink("b");
    bodies
        .publish(Target::Node(node), 10, vec![inline(0, &[1; 10])])
        .unwrap();
    bodies.unlink("a");
    let usage = bodies.reader(|reader| reader.quota(HEAD, ROOT.ino)).unwrap();
    assert_eq!((usage.bytes, usage.inodes), (0, 1));
}
