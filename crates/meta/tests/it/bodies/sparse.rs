//! Sparse files: the work is that of the data, however long the file.

use super::support::{Bodies, head, inline, inode, refusal};
use nokv_meta::{PLAN_EXTENTS_MAX, Reader};
use nokv_store::{ModelStore, Result, Rows, Scan, Visit};
use nokv_types::{Code, Command, NewKind, RANGE_BYTES};
use std::cell::Cell;

/// Rows that count how often they are asked, and how many they deliver.
struct Counted<'a> {
    rows: &'a ModelStore,
    asked: Cell<u32>,
}

impl Rows for Counted<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.asked.set(self.asked.get() + 1);
        self.rows.get(key)
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()> {
        self.asked.set(self.asked.get() + 1);
        self.rows.scan(range, &mut |key, value| {
            self.asked.set(self.asked.get() + 1);
            visit(key, value)
        })
    }
}

const SIZE: u64 = 100 << 30;

#[test]
fn a_hole_of_100_gib_costs_no_row_and_a_few_reads() {
    let mut bodies = Bodies::new();
    let node = bodies.world.create(crate::world::ROOT, "a", NewKind::File);
    inode(bodies.run(Command::SetSize { node, size: SIZE }));
    assert_eq!(bodies.rows_of(b'b'), 0);
    assert_eq!(bodies.attr(node).allocated, 0);
    for at in [0, SIZE / 2, SIZE - 1] {
        inode(bodies.run(Command::Write {
            node,
            expect: None,
            extents: vec![inline(at, b"x")],
        }));
    }
    assert_eq!(bodies.rows_of(b'b'), 3);
    let counted = Counted {
        rows: &bodies.world.store,
        asked: Cell::new(0),
    };
    let timelines = bodies.world.state.timelines();
    let plan = Reader::new(&counted, &timelines)
        .read_plan(head(node.timeline), node.ino, 0, SIZE)
        .unwrap();
    assert_eq!(plan.extents.len(), 3);
    assert!(counted.asked.get() < 20, "{} reads", counted.asked.get());
    let (_, attr) = inode(bodies.run(Command::PunchHole {
        node,
        from: 1,
        len: SIZE - 2,
    }));
    assert_eq!(attr.allocated, 2);
    inode(bodies.run(Command::SetSize { node, size: 1 }));
    assert_eq!(bodies.read(node), b"x");
    bodies.unlink("a");
    bodies.prune();
    assert_eq!(bodies.rows_of(b'b'), 0);
}

#[test]
fn rows_of_older_generations_are_sought_past() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", 3 * RANGE_BYTES, vec![inline(2 * RANGE_BYTES, b"end")]);
    for round in 0..200u64 {
        inode(bodies.run(Command::Write {
            node,
            expect: None,
            extents: vec![inline(round % 2 * RANGE_BYTES, b"again")],
        }));
    }
    assert_eq!(bodies.rows_of(b'b'), 201);
    let counted = Counted {
        rows: &bodies.world.store,
        asked: Cell::new(0),
    };
    let timelines = bodies.world.state.timelines();
    let reader = Reader::new(&counted, &timelines);
    let plan = reader
        .read_plan(head(node.timeline), node.ino, 0, u64::MAX)
        .unwrap();
    assert_eq!(plan.extents.len(), 3);
    assert!(counted.asked.get() < 60, "{} reads", counted.asked.get());
    let mut old = head(node.timeline);
    old.version.0 = bodies.version().0 - 150;
    counted.asked.set(0);
    assert_eq!(
        reader
            .read_plan(old, node.ino, 0, u64::MAX)
            .unwrap()
            .extents
            .len(),
        3
    );
    assert!(
        counted.asked.get() < 60,
        "{} reads of an old version",
        counted.asked.get()
    );
}

#[test]
fn a_plan_beyond_the_limit_is_refused_and_a_shorter_one_is_not() {
    let mut bodies = Bodies::new();
    let node = bodies.file("a", 0, Vec::new());
    let id = bodies.id();
    let ranges = PLAN_EXTENTS_MAX as u64 / 800 + 1;
    for range in 0..ranges {
        let extents = (0..800).map(|place| super::support::blank(range * RANGE_BYTES + place * 2, 1, id));
        inode(bodies.run(Command::Write {
            node,
            expect: None,
            extents: extents.collect(),
        }));
    }
    let plan = |len| bodies.reader(|reader| reader.read_plan(head(node.timeline), node.ino, 0, len));
    assert_eq!(plan(u64::MAX).unwrap_err().code(), Some(Code::TooLarge));
    assert_eq!(
        plan((ranges - 1) * RANGE_BYTES).unwrap().extents.len() as u64,
        (ranges - 1) * 800
    );
    let clone = Command::Publish {
        target: super::support::named("b"),
        body: nokv_types::NewBody::Clone {
            from: node,
            version: nokv_types::Version::HEAD,
        },
        expect: None,
        xattrs: Vec::new(),
    };
    assert_eq!(refusal(bodies.run(clone)).code, Code::TooLarge);
    bodies.prove();
}
