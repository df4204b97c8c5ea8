//! Clones: another file's body at a version, and bodies in forks.

use super::support::{Bodies, head, inline, inode, named, refusal};
use crate::world::ROOT;
use nokv_types::{Code, Command, NewBody, NewKind, Node, Origin, Outcome, RANGE_BYTES, Target, Version};

fn clone(target: Target, from: Node, version: Version) -> Command {
    Command::Publish {
        target,
        body: NewBody::Clone { from, version },
        expect: None,
        xattrs: Vec::new(),
    }
}

fn fork(bodies: &mut Bodies) -> Node {
    let answer = bodies.run(Command::Fork {
        name: b"fork".to_vec(),
        origin: Origin::Root {
            name: b"main".to_vec(),
            version: Version::HEAD,
        },
    });
    match answer.unwrap().outcome {
        Outcome::Root(root) => root.node,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clone_shares_the_objects_and_outlives_its_source() {
    let mut bodies = Bodies::new();
    let stored = bodies.stored(RANGE_BYTES - 2, b"across");
    let source = bodies.file("a", 2 * RANGE_BYTES, vec![inline(0, b"in"), stored]);
    let then = bodies.version();
    inode(bodies.run(Command::SetSize {
        node: source,
        size: 1,
    }));
    let (copy, attr) = inode(bodies.run(clone(named("b"), source, then)));
    assert_eq!((attr.size, attr.allocated), (2 * RANGE_BYTES, 8));
    bodies.prove();
    bodies.unlink("a");
    bodies.prune();
    bodies.prove();
    let at = head(copy.timeline);
    assert_eq!(
        bodies.data(at, copy).into_values().collect::<Vec<_>>(),
        b"inacross"
    );
    assert_eq!(bodies.rows_of(b'z'), 0);
    bodies.unlink("b");
    bodies.prune();
    bodies.prove();
    assert_eq!(bodies.rows_of(b'z'), 1);
}

#[test]
fn a_file_can_be_given_an_older_body_of_its_own() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", 3, vec![inline(0, b"old")]);
    let then = bodies.version();
    bodies.file("a", 4, vec![inline(0, b"next")]);
    inode(bodies.run(clone(Target::Node(node), node, then)));
    assert_eq!(bodies.read(node), b"old");
    bodies.prune();
    assert_eq!(bodies.read(node), b"old");
    let expired = refusal(bodies.run(clone(named("b"), node, then)));
    assert_eq!(expired.code, Code::VersionExpired);
    let dir = bodies.world.create(ROOT, "dir", NewKind::Directory);
    let refused = refusal(bodies.run(clone(named("b"), dir, Version::HEAD)));
    assert_eq!(refused.code, Code::IsADirectory);
}

#[test]
fn a_fork_writes_rows_of_its_own_and_frees_them_when_it_goes() {
    let mut bodies = Bodies::new();
    let main = bodies.stored(0, b"0123456789");
    let far = bodies.stored(RANGE_BYTES, b"far");
    let node = bodies.file("a", 2 * RANGE_BYTES, vec![main, far]);
    let root = fork(&mut bodies);
    let forked = Node::new(root.timeline, node.ino);
    let patch = bodies.stored(4, b"fork");
    inode(bodies.run(Command::Write {
        node: forked,
        expect: None,
        extents: vec![patch],
    }));
    let text = |bodies: &Bodies, node: Node| -> Vec<u8> {
        bodies.data(head(node.timeline), node).into_values().collect()
    };
    assert_eq!(text(&bodies, forked), b"0123fork89far");
    assert_eq!(text(&bodies, node), b"0123456789far");
    inode(bodies.run(Command::SetSize {
        node: forked,
        size: 6,
    }));
    inode(bodies.run(Command::SetSize {
        node: forked,
        size: 2 * RANGE_BYTES,
    }));
    assert_eq!(text(&bodies, forked), b"0123fo");
    inode(bodies.run(Command::SetSize { node, size: 0 }));
    bodies.prune();
    bodies.prove();
    assert_eq!(text(&bodies, forked), b"0123fo");
    bodies
        .run(Command::RootDelete {
            name: b"fork".to_vec(),
        })
        .unwrap();
    bodies.prune();
    bodies.work(&nokv_types::Work::FreeTimelines { rows_max: 1000 });
    bodies.prune();
    bodies.prove();
    assert_eq!((bodies.rows_of(b'b'), bodies.rows_of(b'z')), (0, 3));
}

#[test]
fn what_a_fork_overwrote_stays_with_its_parent_when_the_fork_goes() {
    let mut bodies = Bodies::new();
    let stored = bodies.stored(0, b"parent");
    let node = bodies.file("a", 6, vec![stored]);
    let root = fork(&mut bodies);
    let forked = Node::new(root.timeline, node.ino);
    inode(bodies.run(Command::Write {
        node: forked,
        expect: None,
        extents: vec![inline(0, b"forked")],
    }));
    bodies.prune();
    bodies
        .run(Command::RootDelete {
            name: b"fork".to_vec(),
        })
        .unwrap();
    bodies.prune();
    bodies.work(&nokv_types::Work::FreeTimelines { rows_max: 1000 });
    bodies.prune();
    bodies.prove();
    assert_eq!(bodies.read(node), b"parent");
    assert_eq!(bodies.rows_of(b'b'), 1);
}
