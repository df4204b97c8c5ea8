//! A world with objects: ids out of reservations, bytes in memory, bodies read through plans.

use crate::world::{OWNER, World, name};
use nokv_meta::{Clock, Reader};
use nokv_store::ModelStore;
use nokv_types::{
    Answer, Attr, Command, Digest, Extent, NewBody, Node, ObjectId, Outcome, RESERVATION_OBJECTS, ReadPlan,
    ReadPoint, Refusal, ReservationId, Slice, Source, Target, TimelineId, Version, Work,
};
use std::collections::BTreeMap;

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const HOUR: u64 = 3_600_000_000_000;
pub(crate) const SEED: [u8; 16] = [5; 16];

pub(crate) struct Bodies {
    pub(crate) world: World,
    pub(crate) objects: BTreeMap<ObjectId, Vec<u8>>,
    reservation: ReservationId,
    next: u16,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self {
            world: World::new(),
            objects: BTreeMap::new(),
            reservation: ReservationId(0),
            next: RESERVATION_OBJECTS,
        }
    }

    pub(crate) fn run(&mut self, command: Command) -> Answer {
        self.world.run(command)
    }

    /// An id that may be published.
    pub(crate) fn id(&mut self) -> ObjectId {
        if self.next == RESERVATION_OBJECTS {
            match self
                .world
                .run(Command::ReserveObjects { seed: SEED })
                .unwrap()
                .outcome
            {
                Outcome::Reserved(reservation) => self.reservation = reservation,
                other => panic!("{other:?}"),
            }
            self.next = 0;
        }
        self.next += 1;
        ObjectId::derive(&SEED, self.reservation, self.next - 1)
    }

    /// Takes the next ids from a reservation that is made then.
    pub(crate) fn forget_reservation(&mut self) {
        self.next = RESERVATION_OBJECTS;
    }

    /// An object with these bytes, as one extent at `at`.
    pub(crate) fn stored(&mut self, at: u64, bytes: &[u8]) -> Extent {
        let object = self.id();
        self.objects.insert(object, bytes.to_vec());
        slice(at, bytes.len() as u32, object, Digest::crc32c(bytes))
    }

    pub(crate) fn publish(&mut self, target: Target, size: u64, extents: Vec<Extent>) -> Answer {
        self.run(Command::Publish {
            target,
            body: NewBody::Whole { size, extents },
            expect: None,
            xattrs: Vec::new(),
        })
    }

    /// A file with this body that must come to be.
    pub(crate) fn file(&mut self, text: &str, size: u64, extents: Vec<Extent>) -> Node {
        inode(self.publish(named(text), size, extents)).0
    }

    pub(crate) fn reader<T>(&self, read: impl Fn(Reader<'_, ModelStore>) -> T) -> T {
        self.world.reader(read)
    }

    pub(crate) fn attr(&self, node: Node) -> Attr {
        self.reader(|reader| reader.getattr(head(node.timeline), node.ino))
            .unwrap()
    }

    pub(crate) fn plan(&self, node: Node, offset: u64, len: u64) -> ReadPlan {
        self.reader(|reader| reader.read_plan(head(node.timeline), node.ino, offset, len))
            .unwrap()
    }

    /// Every byte of data of a body at a point, by its offset.
    pub(crate) fn data(&self, at: ReadPoint, node: Node) -> BTreeMap<u64, u8> {
        let plan = self
            .reader(|reader| reader.read_plan(at, node.ino, 0, u64::MAX))
            .unwrap();
        self.bytes_of(&plan)
    }

    pub(crate) fn bytes_of(&self, plan: &ReadPlan) -> BTreeMap<u64, u8> {
        let mut data = BTreeMap::new();
        let mut end = 0;
        for extent in &plan.extents {
            assert!(
                extent.at >= end && extent.len > 0 && extent.end() <= plan.size,
                "{plan:?}"
            );
            end = extent.end();
            data.extend((extent.at..).zip(self.resolve(extent)));
        }
        data
    }

    /// The bytes of an extent, verified as a reader does.
    fn resolve(&self, extent: &Extent) -> Vec<u8> {
        match &extent.source {
            Source::Inline(bytes) => {
                assert_eq!(bytes.len(), extent.len as usize);
                bytes.clone()
            }
            Source::Slice(slice) => {
                let from = slice.stored_offset as usize;
                let stored = &self.objects[&slice.object][from..from + slice.stored_len as usize];
                assert!(
                    slice.digest.matches(stored),
                    "the digest is not that of the stored range"
                );
                let from = slice.window_offset as usize;
                stored[from..from + extent.len as usize].to_vec()
            }
        }
    }

    /// Bytes of a small body, holes as zeros.
    pub(crate) fn read(&self, node: Node) -> Vec<u8> {
        let mut bytes = vec![0; self.attr(node).size as usize];
        for (at, byte) in self.data(head(node.timeline), node) {
            bytes[at as usize] = byte;
        }
        bytes
    }

    /// Proves every count.
    pub(crate) fn prove(&self) {
        let wrong = self.reader(|reader| reader.object_mismatches()).unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ns: u64) {
        let Clock { log_ns, wall_ns } = self.world.clock;
        self.world.clock = Clock {
            log_ns: log_ns + ns,
            wall_ns: wall_ns + ns as i64,
        };
    }

    /// Two hours later: everything that is not current is pruned.
    pub(crate) fn prune(&mut self) {
        self.pass(2 * HOUR);
        self.run(Command::Work(Work::AdvanceTime)).unwrap();
        // The window begins at a version that a batch before it committed.
        self.pass(2 * HOUR);
        self.work(&Work::AdvanceTime);
        self.work(&Work::Prune { rows_max: 1000 });
    }

    /// Repeats a step until there is no more to do; answers how much was done.
    pub(crate) fn work(&mut self, work: &Work) -> u64 {
        let mut total = 0;
        loop {
            match self.run(Command::Work(work.clone())).unwrap().outcome {
                Outcome::Worked { done, more } => {
                    total += done;
                    if !more {
                        return total;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Rows whose key starts with this family tag.
    pub(crate) fn rows_of(&self, family: u8) -> usize {
        let rows = self.world.store.to_rows();
        rows.keys().filter(|key| key.first() == Some(&family)).count()
    }

    pub(crate) fn unlink(&mut self, text: &str) {
        self.run(Command::Unlink {
            parent: crate::world::ROOT,
            name: name(text),
        })
        .unwrap();
    }

    pub(crate) fn version(&self) -> Version {
        self.world.state.last_version()
    }
}

pub(crate) fn head(timeline: TimelineId) -> ReadPoint {
    ReadPoint {
        timeline,
        version: Version::HEAD,
    }
}

/// The file of this name in the root, made when it is not there.
pub(crate) fn named(text: &str) -> Target {
    Target::Name {
        parent: crate::world::ROOT,
        name: name(text),
        inode: OWNER,
        create_only: false,
    }
}

pub(crate) fn inline(at: u64, bytes: &[u8]) -> Extent {
    Extent {
        at,
        len: bytes.len() as u32,
        source: Source::Inline(bytes.to_vec()),
    }
}

pub(crate) fn slice(at: u64, len: u32, object: ObjectId, digest: Digest) -> Extent {
    Extent {
        at,
        len,
        source: Source::Slice(Slice {
            object,
            stored_offset: 0,
            stored_len: len,
            digest,
            window_offset: 0,
        }),
    }
}

/// An extent of an object whose bytes nobody reads.
pub(crate) fn blank(at: u64, len: u32, object: ObjectId) -> Extent {
    slice(at, len, object, Digest::Crc32c(0))
}

pub(crate) fn inode(answer: Answer) -> (Node, Attr) {
    match answer.unwrap().outcome {
        Outcome::Inode(node, attr) => (node, attr),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn refusal(answer: Answer) -> Refusal {
    answer.unwrap_err()
}
