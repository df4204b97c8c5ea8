//! Partial changes: overwrite, append, cut, extend, punch, compact.

use super::support::{Bodies, MIB, blank, head, inline, inode, refusal};
use nokv_types::{Code, Command, Extent, Node, RANGE_BYTES, Source, Target, Version};

fn write(bodies: &mut Bodies, node: Node, extents: Vec<Extent>) {
    inode(bodies.run(Command::Write {
        node,
        expect: None,
        extents,
    }));
}

fn append(node: Node, extents: Vec<Extent>) -> Command {
    Command::Append { node, extents }
}

fn compact(bodies: &Bodies, node: Node, range: u64, extents: Vec<Extent>) -> Command {
    Command::Compact {
        node,
        range,
        expect: bodies.attr(node).generation,
        extents,
    }
}

#[test]
fn an_overwrite_cuts_windows_and_keeps_digests() {
    let mut bodies = Bodies::new();
    let whole = bodies.stored(0, b"0123456789");
    let node = bodies.file("a", 10, vec![whole.clone()]);
    let before = bodies.version();
    write(&mut bodies, node, vec![inline(3, b"abc")]);
    assert_eq!(bodies.read(node), b"012abc6789");
    let plan = bodies.plan(node, 0, 10);
    let slices: Vec<_> = plan
        .extents
        .iter()
        .filter_map(|extent| match &extent.source {
            Source::Slice(slice) => Some((slice.window_offset, extent.len, slice.stored_len, slice.digest)),
            Source::Inline(_) => None,
        })
        .collect();
    let Source::Slice(stored) = whole.source else {
        unreachable!()
    };
    assert_eq!(slices, [(0, 3, 10, stored.digest), (6, 4, 10, stored.digest)]);
    let mut at = head(node.timeline);
    at.version = before;
    let old: Vec<u8> = bodies.data(at, node).into_values().collect();
    assert_eq!(old, b"0123456789", "the older version is read as it was");
    assert_eq!(bodies.attr(node).allocated, 10);
    bodies.prove();
}

#[test]
fn a_write_that_expects_another_generation_is_refused() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", 1, vec![inline(0, b"x")]);
    let mut write = |expect| {
        bodies.run(Command::Write {
            node,
            expect: Some(expect),
            extents: vec![inline(0, b"y")],
        })
    };
    assert_eq!(refusal(write(Version(1))).code, Code::Conflict);
    let empty = Command::Write {
        node,
        expect: None,
        extents: Vec::new(),
    };
    assert_eq!(refusal(bodies.run(empty)).code, Code::Invalid);
    assert_eq!(refusal(bodies.run(append(node, Vec::new()))).code, Code::Invalid);
}

#[test]
fn extents_are_split_at_the_borders_of_ranges() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", RANGE_BYTES - 3, Vec::new());
    let stored = bodies.stored(0, b"stored");
    inode(bodies.run(append(node, vec![stored, inline(6, b"in")])));
    let at = head(node.timeline);
    let text: Vec<u8> = bodies.data(at, node).into_values().collect();
    assert_eq!(text, b"storedin");
    assert_eq!(bodies.attr(node).size, RANGE_BYTES + 5);
    assert_eq!(bodies.rows_of(b'b'), 2);
    let across = bodies.plan(node, RANGE_BYTES - 1, 2);
    assert_eq!(across.extents.len(), 2);
    bodies.prove();
}

#[test]
fn small_appends_join_and_a_full_row_asks_for_compaction() {
    let mut bodies = Bodies::new();
    let node = bodies.file("log", 0, Vec::new());
    for _ in 0..40 {
        inode(bodies.run(append(node, vec![inline(0, &[b'x'; 200])])));
    }
    assert_eq!(
        bodies.plan(node, 0, 8000).extents.len(),
        2,
        "inline runs of at most 4096 bytes"
    );
    let full = loop {
        let answer = bodies.run(append(node, vec![inline(0, &[b'y'; 4000])]));
        if answer.is_err() {
            break refusal(answer);
        }
    };
    assert_eq!(full.code, Code::NeedsCompaction);
    assert_eq!(full.subject, "range 0");
    let text = bodies.read(node);
    let (mtime, charged) = (bodies.attr(node).mtime, bodies.attr(node).allocated);
    let packed = bodies.stored(0, &text);
    let command = compact(&bodies, node, 0, vec![packed]);
    let (_, attr) = inode(bodies.run(command));
    assert_eq!((attr.mtime, attr.allocated), (mtime, charged));
    assert_eq!(attr.generation, bodies.version());
    assert_eq!(bodies.read(node), text);
    inode(bodies.run(append(node, vec![inline(0, &[b'y'; 4000])])));
    bodies.prove();
}

#[test]
fn a_compaction_that_is_not_the_same_is_refused() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", 600 * MIB, vec![inline(0, b"ab"), inline(4, b"cd")]);
    let refused = |bodies: &mut Bodies, range, extents| {
        let command = compact(bodies, node, range, extents);
        refusal(bodies.run(command)).code
    };
    assert_eq!(refused(&mut bodies, 0, vec![inline(0, b"abcd")]), Code::Invalid);
    assert_eq!(refused(&mut bodies, 0, Vec::new()), Code::Invalid);
    assert_eq!(
        refused(&mut bodies, 1, vec![inline(RANGE_BYTES, b"x")]),
        Code::Invalid
    );
    assert_eq!(refused(&mut bodies, 1, vec![inline(0, b"x")]), Code::Invalid);
    assert_eq!(refused(&mut bodies, 9, Vec::new()), Code::Invalid);
    let stale = Command::Compact {
        node,
        range: 0,
        expect: Version(3),
        extents: vec![inline(0, b"ab\0\0cd")],
    };
    assert_eq!(refusal(bodies.run(stale)).code, Code::Conflict);
    let zeros = compact(&bodies, node, 0, vec![inline(0, b"ab\0\0cd")]);
    let (_, attr) = inode(bodies.run(zeros));
    assert_eq!(attr.allocated, 6);
    let nothing = compact(&bodies, node, 1, Vec::new());
    assert_eq!(inode(bodies.run(nothing)).1.generation, attr.generation);
}

#[test]
fn a_cut_file_reads_zeros_where_it_is_extended_again() {
    let mut bodies = Bodies::new();
    let far = bodies.stored(RANGE_BYTES + 5, b"far");
    let near = bodies.stored(0, b"0123456789");
    let node = bodies.file("a", 2 * RANGE_BYTES, vec![near, far]);
    let set_size = |bodies: &mut Bodies, size| inode(bodies.run(Command::SetSize { node, size })).1;
    assert_eq!(set_size(&mut bodies, 4).allocated, 4);
    assert_eq!(bodies.read(node), b"0123");
    let attr = set_size(&mut bodies, 2 * RANGE_BYTES);
    assert_eq!(attr.generation, bodies.version());
    let at = head(node.timeline);
    assert_eq!(bodies.data(at, node).into_values().collect::<Vec<_>>(), b"0123");
    let same = set_size(&mut bodies, 2 * RANGE_BYTES);
    assert_eq!(
        (same.generation, same.mtime),
        (attr.generation, bodies.world.clock.wall_ns)
    );
    assert_eq!(set_size(&mut bodies, 0).allocated, 0);
    assert!(bodies.data(at, node).is_empty());
    let too_large = Command::SetSize { node, size: 1 << 63 };
    assert_eq!(refusal(bodies.run(too_large)).code, Code::TooLarge);
    bodies.prove();
    bodies.prune();
    bodies.prove();
    assert_eq!(bodies.rows_of(b'b'), 0, "all rows of a cut file go");
    assert_eq!(bodies.rows_of(b'z'), 2, "both objects wait for deletion");
}

#[test]
fn a_punched_hole_frees_data_and_keeps_the_length() {
    let mut bodies = Bodies::new();
    let node = bodies.file(
        "a",
        2 * RANGE_BYTES,
        vec![inline(0, b"0123456789"), inline(RANGE_BYTES, b"x")],
    );
    let punch = |bodies: &mut Bodies, from, len| bodies.run(Command::PunchHole { node, from, len });
    let (_, attr) = inode(punch(&mut bodies, 2, 3));
    assert_eq!((attr.size, attr.allocated), (2 * RANGE_BYTES, 8));
    let at = head(node.timeline);
    assert_eq!(
        bodies.data(at, node).into_values().collect::<Vec<_>>(),
        b"0156789x"
    );
    let generation = bodies.attr(node).generation;
    assert_eq!(
        inode(punch(&mut bodies, 100, 5)).1.generation,
        generation,
        "a hole already"
    );
    assert_eq!(
        inode(punch(&mut bodies, u64::MAX - 1, 9)).1.generation,
        generation,
        "behind the end"
    );
    assert_eq!(refusal(punch(&mut bodies, 2, 0)).code, Code::Invalid);
    let (_, attr) = inode(punch(&mut bodies, 5, u64::MAX));
    assert_eq!((attr.size, attr.allocated), (2 * RANGE_BYTES, 2));
    let (_, attr) = inode(punch(&mut bodies, 0, u64::MAX));
    assert_eq!(
        (attr.size, attr.allocated, attr.base),
        (2 * RANGE_BYTES, 0, attr.generation)
    );
    bodies.prune();
    assert_eq!(bodies.rows_of(b'b'), 0);
}

#[test]
fn a_whole_publish_hides_every_older_row() {
    let mut bodies = Bodies::new();
    let far = 3 * RANGE_BYTES;
    let node = bodies.file("a", far + 1, vec![inline(0, b"a"), inline(far, b"b")]);
    write(&mut bodies, node, vec![inline(RANGE_BYTES, b"c")]);
    let id = bodies.id();
    inode(bodies.publish(Target::Node(node), far, vec![blank(2 * RANGE_BYTES, 1, id)]));
    write(&mut bodies, node, vec![inline(far, b"d")]);
    let plan = bodies.plan(node, 0, u64::MAX);
    let places: Vec<u64> = plan.extents.iter().map(|extent| extent.at).collect();
    assert_eq!(places, [2 * RANGE_BYTES, far]);
    bodies.prune();
    assert_eq!(bodies.rows_of(b'b'), 2);
    assert_eq!(bodies.plan(node, 0, u64::MAX), plan);
}
