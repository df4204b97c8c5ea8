//! Random changes of bodies against files that are maps of bytes: what is read, at every point that can be read,
//! is what the map says, and every count is what a recount says.

use super::support::{Bodies, HOUR, head, inline, inode};
use nokv_types::{
    Code, Command, Extent, NewBody, Node, Origin, Outcome, RANGE_BYTES, ReadPoint, SessionId, Source, Target,
    UploadId, Version, Work,
};
use std::collections::{BTreeMap, VecDeque};

const FILES: [&str; 3] = ["a", "b", "c"];
const STEPS: usize = 250;
const FORKED_AT: usize = 50;
/// Seeds of one run; `NOKV_SEEDS` asks for more.
const SEEDS: u64 = 4;
/// Points of the past that are read again after every step.
const PAST_MAX: usize = 6;

/// A file as bytes: what is not in the map is a hole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct File {
    size: u64,
    data: BTreeMap<u64, u8>,
}

impl File {
    fn lay(&mut self, at: u64, bytes: &[u8]) {
        self.data.extend((at..).zip(bytes.iter().copied()));
        self.size = self.size.max(at + bytes.len() as u64);
    }

    fn clear(&mut self, from: u64, to: u64) {
        self.data.retain(|at, _| *at < from || *at >= to);
    }
}

struct Model {
    bodies: Bodies,
    random: u64,
    /// Nodes of the files on the line of the workspace and on the fork, each with what it holds.
    files: Vec<(Node, File)>,
    past: VecDeque<(Version, Vec<(Node, File)>)>,
    /// Steps that changed something, by kind.
    done: [u32; 9],
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut bodies = Bodies::new();
        let mut files: Vec<(Node, File)> = Vec::new();
        for text in FILES {
            files.push((bodies.file(text, 0, Vec::new()), File::default()));
        }
        Self {
            bodies,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            files,
            past: VecDeque::new(),
            done: [0; 9],
        }
    }

    /// The files from now on stand on two lines.
    fn fork(&mut self) {
        let answer = self.bodies.run(Command::Fork {
            name: b"fork".to_vec(),
            origin: Origin::Root {
                name: b"main".to_vec(),
                version: Version::HEAD,
            },
        });
        let Outcome::Root(root) = answer.unwrap().outcome else {
            unreachable!()
        };
        let forked = |(node, file): &(Node, File)| (Node::new(root.node.timeline, node.ino), file.clone());
        let files: Vec<_> = self.files.iter().map(forked).collect();
        self.files.extend(files);
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    /// An offset near the border of one of the first ranges.
    fn place(&mut self) -> u64 {
        (self.below(4) * RANGE_BYTES + self.below(600)).saturating_sub(self.below(2) * 300)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let (len, first) = (1 + self.below(120), self.below(255));
        (0..len).map(|place| (first + place) as u8).collect()
    }

    /// Bytes at an offset, inline or in an object (sometimes a window of a larger one).
    fn extent(&mut self, at: u64, bytes: &[u8]) -> Extent {
        match self.below(3) {
            0 => inline(at, bytes),
            1 => self.bodies.stored(at, bytes),
            _ => {
                let around = [&[0xee; 5][..], bytes, &[0xdd; 3]].concat();
                let mut extent = self.bodies.stored(at, &around);
                extent.len = bytes.len() as u32;
                if let Source::Slice(slice) = &mut extent.source {
                    slice.window_offset = 5;
                }
                extent
            }
        }
    }

    /// Some extents in order, and what they hold.
    fn extents(&mut self) -> (Vec<Extent>, File) {
        let (mut file, mut list) = (File::default(), Vec::new());
        let mut places: Vec<u64> = (0..=self.below(4)).map(|_| self.place()).collect();
        places.sort_unstable();
        for at in places {
            if at >= file.size {
                let bytes = self.bytes();
                list.push(self.extent(at, &bytes));
                file.lay(at, &bytes);
            }
        }
        (list, file)
    }

    fn step(&mut self) {
        let which = self.below(self.files.len() as u64) as usize;
        let (node, mut file) = self.files[which].clone();
        let kind = self.below(9) as usize;
        let changed = match kind {
            0 => self.publish(node, &mut file),
            1 | 2 => self.write(node, &mut file),
            3 => self.append(node, &mut file),
            4 => self.set_size(node, &mut file),
            5 => self.punch(node, &mut file),
            6 => self.compact(node, &file),
            7 => self.stage(node, &mut file),
            _ => self.copy(node, &mut file),
        };
        self.done[kind] += u32::from(changed);
        self.files[which].1 = file;
        self.past.push_back((self.bodies.version(), self.files.clone()));
        if self.past.len() > PAST_MAX {
            self.past.pop_front();
        }
        if self.below(12) == 0 {
            self.prune();
        }
    }

    fn publish(&mut self, node: Node, file: &mut File) -> bool {
        let (extents, new) = self.extents();
        *file = new;
        file.size += self.below(50);
        inode(self.bodies.publish(Target::Node(node), file.size, extents));
        true
    }

    fn write(&mut self, node: Node, file: &mut File) -> bool {
        let (extents, new) = self.extents();
        file.data.extend(new.data);
        file.size = file.size.max(new.size);
        let expect = Some(self.bodies.attr(node).generation);
        inode(self.bodies.run(Command::Write {
            node,
            expect,
            extents,
        }));
        true
    }

    fn append(&mut self, node: Node, file: &mut File) -> bool {
        if file.size > 4 * RANGE_BYTES {
            return false;
        }
        let (bytes, gap) = (self.bytes(), self.below(10));
        let extent = self.extent(gap, &bytes);
        file.lay(file.size + gap, &bytes);
        let extents = vec![extent];
        inode(self.bodies.run(Command::Append { node, extents }));
        true
    }

    fn set_size(&mut self, node: Node, file: &mut File) -> bool {
        let size = if self.below(5) == 0 { 0 } else { self.place() };
        file.size = size;
        file.clear(size, u64::MAX);
        inode(self.bodies.run(Command::SetSize { node, size }));
        true
    }

    fn punch(&mut self, node: Node, file: &mut File) -> bool {
        let (from, len) = (self.place(), 1 + self.below(400) + self.below(2) * RANGE_BYTES);
        file.clear(from, from + len);
        inode(self.bodies.run(Command::PunchHole { node, from, len }));
        true
    }

    /// The runs of data of a range, each as one new extent.
    fn compact(&mut self, node: Node, file: &File) -> bool {
        let range = self.below(4);
        let (from, to) = (range * RANGE_BYTES, (range + 1) * RANGE_BYTES);
        let mut runs: Vec<(u64, Vec<u8>)> = Vec::new();
        for (at, byte) in file.data.range(from..to) {
            match runs.last_mut() {
                Some((start, run)) if *start + run.len() as u64 == *at => run.push(*byte),
                _ => runs.push((*at, vec![*byte])),
            }
        }
        if runs.is_empty() {
            return false;
        }
        let extents = runs.iter().map(|(at, run)| self.extent(*at, run)).collect();
        let before = self.bodies.attr(node);
        let (_, attr) = inode(self.bodies.run(Command::Compact {
            node,
            range,
            expect: before.generation,
            extents,
        }));
        assert_eq!((attr.mtime, attr.size), (before.mtime, before.size));
        true
    }

    fn stage(&mut self, node: Node, file: &mut File) -> bool {
        let session = SessionId(0);
        self.bodies.run(Command::BeginUpload { session }).unwrap();
        let upload = UploadId(self.bodies.version().0);
        let mut new = File::default();
        for _ in 0..=self.below(3) {
            let (extents, piece) = self.extents();
            let mut by_range: BTreeMap<u64, Vec<Extent>> = BTreeMap::new();
            for extent in extents {
                let range = extent.at / RANGE_BYTES;
                if (extent.end() - 1) / RANGE_BYTES == range {
                    let taken = piece.data.range(extent.at..extent.end());
                    new.data.extend(taken.map(|(at, byte)| (*at, *byte)));
                    new.size = new.size.max(extent.end());
                    by_range.entry(range).or_default().push(extent);
                }
            }
            for (range, extents) in by_range {
                self.bodies
                    .run(Command::Stage {
                        upload,
                        range,
                        extents,
                    })
                    .unwrap();
            }
        }
        if self.below(4) == 0 {
            self.bodies.run(Command::AbandonUpload { upload }).unwrap();
            return false;
        }
        new.size += self.below(9);
        let body = NewBody::Staged {
            size: new.size,
            upload,
        };
        self.publish_body(node, body);
        *file = new;
        true
    }

    /// Another file's body, now or at a point of the past.
    fn copy(&mut self, node: Node, file: &mut File) -> bool {
        let place = self.below(1 + self.past.len() as u64) as usize;
        let (version, files) = match self.past.get(place) {
            Some((version, files)) => (*version, files.clone()),
            None => (Version::HEAD, self.files.clone()),
        };
        let from = self.below(files.len() as u64) as usize;
        let (from, copied) = files[from].clone();
        self.publish_body(node, NewBody::Clone { from, version });
        *file = copied;
        true
    }

    fn publish_body(&mut self, node: Node, body: NewBody) {
        inode(self.bodies.run(Command::Publish {
            target: Target::Node(node),
            body,
            expect: None,
            xattrs: Vec::new(),
        }));
    }

    fn prune(&mut self) {
        self.bodies.prune();
        // Its time is over when the next objects are made.
        self.bodies.forget_reservation();
        self.past.clear();
    }

    /// Everything that can be read is what it was.
    fn compare(&self) {
        for (node, file) in &self.files {
            let attr = self.bodies.attr(*node);
            assert_eq!((attr.size, attr.allocated), (file.size, file.data.len() as u64));
            assert_eq!(self.bodies.data(head(node.timeline), *node), file.data);
        }
        for (version, files) in &self.past {
            for (node, file) in files {
                let at = ReadPoint {
                    timeline: node.timeline,
                    version: *version,
                };
                assert_eq!(self.bodies.data(at, *node), file.data, "at {version:?}");
            }
        }
        self.bodies.prove();
    }

    /// A random part of a body, by a plan of just that part.
    fn compare_part(&mut self) {
        let (from, len) = (self.place(), 1 + self.below(300));
        let which = self.below(self.files.len() as u64) as usize;
        let (node, file) = &self.files[which];
        let plan = self.bodies.plan(*node, from, len);
        let want: BTreeMap<u64, u8> = file
            .data
            .range(from..from + len)
            .map(|(at, byte)| (*at, *byte))
            .collect();
        assert_eq!(self.bodies.bytes_of(&plan), want);
        assert!(
            plan.extents
                .iter()
                .all(|extent| extent.at >= from && extent.end() <= from + len)
        );
    }

    /// Without the fork the other line reads as before; without files nothing refers to any object.
    fn end(mut self) {
        self.bodies
            .run(Command::RootDelete {
                name: b"fork".to_vec(),
            })
            .unwrap();
        self.files.truncate(FILES.len());
        self.prune();
        self.bodies.work(&Work::FreeTimelines { rows_max: 100 });
        self.prune();
        self.compare();
        for text in FILES {
            self.bodies.unlink(text);
        }
        self.prune();
        self.bodies.prove();
        assert_eq!((self.bodies.rows_of(b'b'), self.bodies.rows_of(b'u')), (0, 0));
        assert_eq!(self.bodies.rows_of(b'o'), self.bodies.rows_of(b'z'));
        let now = self.bodies.world.clock.log_ns + HOUR;
        let all = (Version::HEAD, Version::HEAD);
        let dead = self
            .bodies
            .reader(|reader| reader.dead_objects(now, HOUR, all, usize::MAX));
        let objects: Vec<_> = dead.unwrap().into_iter().map(|dead| dead.object).collect();
        assert_eq!(objects.len(), self.bodies.rows_of(b'o'));
        self.bodies
            .run(Command::Work(Work::CondemnObjects { objects }))
            .unwrap();
        let late = self.bodies.reader(|reader| reader.condemned_objects(1)).unwrap();
        let again = super::support::blank(0, 1, late[0]);
        let refused = self.bodies.publish(super::support::named("a"), 1, vec![again]);
        assert_eq!(refused.unwrap_err().code, Code::UploadExpired);
    }
}

#[test]
fn bodies_are_what_a_map_of_bytes_says() {
    let seeds = match std::env::var("NOKV_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 0..std::env::var("NOKV_SEEDS").map_or(SEEDS, |count| count.parse().unwrap()),
    };
    let mut done = [0; 9];
    for seed in seeds {
        println!("NOKV_SEED={seed}");
        let mut model = Model::new(seed + 1);
        for step in 0..STEPS {
            if step == FORKED_AT {
                model.fork();
            }
            model.step();
            model.compare();
            model.compare_part();
        }
        for (total, one) in done.iter_mut().zip(model.done) {
            *total += one;
        }
        model.end();
    }
    println!("publish, write, write, append, size, punch, compact, stage, clone: {done:?}");
    assert!(done.iter().all(|count| *count > 5), "{done:?}");
}
