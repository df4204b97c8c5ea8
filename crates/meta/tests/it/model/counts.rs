//! Failing cases of the model that were found and are kept: several directories that are counted at once.

use super::engine::Engine;
use super::run::{Run, Step};
use nokv_types::{Command, Ino, Name, NewInode, NewKind, Node, QuotaLimits, Request, Work};

fn batch(run: &mut Run, commands: Vec<Command>) {
    let requests = commands.into_iter().map(Request::internal).collect();
    run.step(&Step::Batch(1_000_000, requests)).unwrap();
}

/// Makes a directory or file; its number is the one that the model noted.
fn make(run: &mut Run, parent: Node, text: &str, kind: NewKind) -> Node {
    let name = Name::new(text.as_bytes()).unwrap();
    let inode = NewInode {
        mode: 0o755,
        uid: 1,
        gid: 1,
    };
    let create = Command::Create {
        parent,
        name,
        inode,
        kind,
    };
    batch(run, vec![create]);
    let tree = &run.model.lines[&parent.timeline].tree;
    let ino: Ino = tree.inodes[&parent.ino].entries[text.as_bytes()];
    Node::new(parent.timeline, ino)
}

fn count_at_once(choose: impl FnOnce(Node, Node, Node) -> [Node; 2]) {
    let mut run = Run::new(Engine::memory(), 0);
    let root = run.model.roots[&b"main"[..]].node;
    let one = make(&mut run, root, "one", NewKind::Directory);
    let two = make(&mut run, root, "two", NewKind::Directory);
    let inner = make(&mut run, one, "inner", NewKind::Directory);
    let files = [one, two, inner].map(|dir| make(&mut run, dir, "file", NewKind::File));
    let counted = choose(one, two, inner);
    for node in counted {
        let limits = QuotaLimits::default();
        batch(&mut run, vec![Command::SetQuota { node, limits }]);
    }
    assert_eq!(run.model.counting.len(), 2);
    for _ in 0..20 {
        batch(&mut run, vec![Command::Work(Work::CountQuota { rows_max: 1 })]);
    }
    assert!(run.model.counting.is_empty());
    let snapshot = Command::SnapshotCreate {
        key: b"pin".to_vec(),
        node: root,
        holder: b"me".to_vec(),
        lease_ns: None,
    };
    batch(&mut run, vec![snapshot]);
    let tree = &run.model.lines[&root.timeline].tree;
    let quota = |node: Node| tree.inodes[&node.ino].quota;
    for dir in counted {
        let place = [one, two, inner].iter().position(|node| *node == dir).unwrap();
        assert_ne!(quota(dir), quota(root));
        assert_eq!(quota(files[place]), quota(dir));
    }
    // The state machine says the same, now and at the pin.
    run.step(&Step::Compare(10)).unwrap();
}

#[test]
fn two_directories_beside_each_other_are_counted_at_once() {
    count_at_once(|one, two, _| [one, two]);
}

#[test]
fn a_directory_is_counted_while_one_in_it_still_is() {
    count_at_once(|one, _, inner| [inner, one]);
}
