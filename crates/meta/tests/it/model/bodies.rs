//! Random commands about bodies, objects and uploads.

use super::generate::Generator;
use super::run::Run;
use super::state::Model;
use nokv_types::{
    Command, Digest, Extent, FileKind, NewBody, Node, ObjectId, RANGE_BYTES, RESERVATION_OBJECTS, SessionId,
    Slice, Source, Target, UploadId, Version, Work,
};

pub(crate) fn inline(at: u64, bytes: &[u8]) -> Extent {
    Extent {
        at,
        len: bytes.len() as u32,
        source: Source::Inline(bytes.to_vec()),
    }
}

impl Generator {
    pub(crate) fn body_command(&mut self, run: &Run) -> Option<Command> {
        let model = &run.model;
        Some(match self.rng.below(36) {
            0..=3 => self.publish(model, None)?,
            4..=5 | 32 => self.publish_staged(model)?,
            6..=8 => {
                let from = self.file(model)?;
                let version = match self.past_version(model, from) {
                    Some(version) if self.chance(3) => version,
                    _ => Version::HEAD,
                };
                self.publish(model, Some(NewBody::Clone { from, version }))?
            }
            9..=12 => {
                let node = self.file(model)?;
                Command::Write {
                    node,
                    expect: self.expect(model, node),
                    extents: self.extents(model, 3),
                }
            }
            13..=15 => Command::Append {
                node: self.file(model)?,
                extents: self.extents_near(model, 2),
            },
            16..=18 => Command::SetSize {
                node: self.file(model)?,
                size: self.offset(),
            },
            19..=21 => Command::PunchHole {
                node: self.file(model)?,
                from: self.offset(),
                len: self.offset(),
            },
            22..=23 | 35 => self.compact(model)?,
            25..=27 => {
                let extents = self.extents(model, 2);
                let range = extents.first().map_or(0, |extent| extent.at / RANGE_BYTES);
                Command::Stage {
                    upload: self.upload(model),
                    range,
                    extents,
                }
            }
            28 | 33 => Command::AbandonUpload {
                upload: self.upload(model),
            },
            24 | 29 | 34 => Command::BeginUpload {
                session: self.session_or_server(model),
            },
            _ => Command::ReserveObjects {
                seed: [self.rng.next() as u8; 16],
            },
        })
    }

    fn publish_staged(&mut self, model: &Model) -> Option<Command> {
        let upload = self.upload(model);
        let size = model.uploads.get(&upload).map_or(9, |upload| upload.body.end());
        let size = size + [0, 100, RANGE_BYTES][self.rng.below(3)];
        let size = if self.chance(15) { size / 2 } else { size };
        self.publish(model, Some(NewBody::Staged { size, upload }))
    }

    fn session_or_server(&mut self, model: &Model) -> SessionId {
        if self.chance(3) {
            SessionId(0)
        } else {
            self.session(model)
        }
    }

    fn past_version(&mut self, model: &Model, node: Node) -> Option<Version> {
        let versions: Vec<Version> = model.lines.get(&node.timeline)?.history.keys().copied().collect();
        self.rng.pick(&versions).copied()
    }

    fn upload(&mut self, model: &Model) -> UploadId {
        let all: Vec<_> = model.uploads.keys().copied().collect();
        match self.rng.pick(&all) {
            Some(upload) if !self.chance(20) => *upload,
            _ => UploadId(3),
        }
    }

    /// Uploads up to one of those that are open, or ids up to a reservation: often only the oldest.
    pub(crate) fn end_uploads(&mut self, model: &Model) -> Work {
        let ids = self.chance(3);
        let uploads: Vec<u64> = model.uploads.keys().map(|upload| upload.0).collect();
        let reservations: Vec<u64> = model.reservations.keys().map(|one| one.0).collect();
        let of = if ids { reservations } else { uploads };
        let among = if self.chance(3) { of.len() } else { of.len().min(2) };
        let up_to = self.rng.pick(&of[..among]).copied().unwrap_or(model.last.0);
        Work::EndUploads {
            up_to: Version(up_to),
            ids,
        }
    }

    fn expect(&mut self, model: &Model, node: Node) -> Option<Version> {
        let inode = model
            .lines
            .get(&node.timeline)
            .and_then(|line| line.tree.get(node.ino));
        match self.rng.below(8) {
            0 => Some(Version(3)),
            1 | 2 => inode.map(|inode| inode.generation),
            _ => None,
        }
    }

    fn publish(&mut self, model: &Model, body: Option<NewBody>) -> Option<Command> {
        let target = if self.chance(2) {
            Target::Node(self.file(model)?)
        } else {
            Target::Name {
                parent: self.dir(model)?,
                name: self.name(),
                inode: self.owner(),
                create_only: self.chance(4),
            }
        };
        let expect = match &target {
            Target::Node(node) => self.expect(model, *node),
            Target::Name { .. } => self.chance(8).then_some(Version::ZERO),
        };
        let body = body.unwrap_or_else(|| {
            let extents = self.extents(model, 3);
            let end = extents.iter().map(Extent::end).max().unwrap_or(0);
            let size = match self.rng.below(40) {
                0 => u64::MAX,
                1 => end / 2,
                2..=9 => end + 77,
                _ => end,
            };
            NewBody::Whole { size, extents }
        });
        let xattrs = if self.chance(5) {
            vec![(self.xattr(), vec![1; 5])]
        } else {
            Vec::new()
        };
        Some(Command::Publish {
            target,
            body,
            expect,
            xattrs,
        })
    }

    fn offset(&mut self) -> u64 {
        match self.rng.below(24) {
            0 => 0,
            1..=4 => RANGE_BYTES - 3 + self.rng.below(6) as u64,
            5 | 6 => 2 * RANGE_BYTES + self.rng.below(1000) as u64,
            7 => u64::MAX - 5,
            8..=11 => self.rng.below(20_000) as u64,
            _ => self.rng.below(600) as u64,
        }
    }

    /// Extents for an append: they begin near 0.
    fn extents_near(&mut self, model: &Model, count: usize) -> Vec<Extent> {
        let mut at = self.rng.below(3) as u64 * 5;
        let count = self.rng.below(count * 8).div_ceil(8);
        let mut extents = Vec::new();
        for _ in 0..count {
            let extent = self.extent(model, at);
            at = extent.end() + self.rng.below(2) as u64 * 3;
            extents.push(extent);
        }
        extents
    }

    fn extents(&mut self, model: &Model, count: usize) -> Vec<Extent> {
        if self.chance(150) {
            // More than a row takes.
            let bytes = [9; 4096];
            return (0..10).map(|place| inline(place * 5000, &bytes)).collect();
        }
        let mut at = self.offset().min(4 * RANGE_BYTES);
        let count = self.rng.below(count * 10).div_ceil(10);
        let mut extents: Vec<Extent> = Vec::new();
        for _ in 0..count {
            let extent = self.extent(model, at);
            at = extent.end() + self.rng.below(3) as u64 * 40;
            extents.push(extent);
        }
        if self.chance(40) {
            extents.reverse();
        }
        extents
    }

    fn extent(&mut self, model: &Model, at: u64) -> Extent {
        if self.chance(2) {
            let len = match self.rng.below(60) {
                0 => 0,
                1 => 4097,
                2..=4 => 2000,
                _ => 1 + self.rng.below(30),
            };
            return inline(at, &vec![self.rng.next() as u8; len]);
        }
        let stored = self.stored(model);
        let Source::Slice(mut slice) = stored.source else {
            return Extent { at, ..stored };
        };
        let skip = self.rng.below(3) as u32 * (slice.stored_len / 5);
        slice.window_offset = skip;
        let mut len = (slice.stored_len - skip).min(1 + self.rng.below(50_000) as u32);
        if self.chance(100) {
            len = slice.stored_len + 1;
        }
        Extent {
            at,
            len,
            source: Source::Slice(slice),
        }
    }

    /// A stored range: of an object that is in use, of a new one, or of one that nobody may use.
    fn stored(&mut self, model: &Model) -> Extent {
        if self.chance(3) {
            let node = self.choose(model, |inode| !inode.body.objects().is_empty());
            let inode = node.and_then(|node| model.lines[&node.timeline].tree.get(node.ino));
            let pieces = inode.into_iter().flat_map(|inode| inode.body.0.values());
            let pieces: Vec<_> = pieces
                .filter(|piece| matches!(piece.source, Source::Slice(_)))
                .collect();
            if let Some(piece) = self.rng.pick(&pieces) {
                return (*piece).clone();
            }
        }
        let object = self.some_object(model).unwrap_or(ObjectId(77 << 16));
        let stored_len = 1 + (object.0 as u32 & 0xff) * 300;
        let slice = Slice {
            object,
            stored_offset: 4096 * u64::from(object.index() % 3),
            stored_len,
            digest: Digest::Crc32c(object.0 as u32),
            window_offset: 0,
        };
        Extent {
            at: 0,
            len: stored_len,
            source: Source::Slice(slice),
        }
    }

    pub(crate) fn some_object(&mut self, model: &Model) -> Option<ObjectId> {
        if self.chance(12) {
            let all: Vec<_> = model.touched.iter().copied().collect();
            return self.rng.pick(&all).copied();
        }
        // The newest reservation, as a client would; its ids come again and again.
        let (id, reservation) = model.reservations.iter().next_back()?;
        let index = self.rng.below(RESERVATION_OBJECTS as usize / 8) as u16;
        let guessed = u128::from(self.chance(150)) << 99;
        Some(ObjectId(
            ObjectId::derive(&reservation.seed, *id, index).0 ^ guessed,
        ))
    }

    /// A faithful compaction: a stored object or zeros in the place of what is there; or one that is none.
    fn compact(&mut self, model: &Model) -> Option<Command> {
        let node = self.choose(model, |inode| {
            inode.kind == FileKind::File && inode.body.allocated() > 0
        })?;
        let inode = model.lines[&node.timeline].tree.get(node.ino)?;
        let first = inode.body.0.keys().next()? / RANGE_BYTES;
        let part = inode.body.part(first * RANGE_BYTES, (first + 1) * RANGE_BYTES);
        let mut extents = part.normal();
        // What a plan joins may be longer than an extent can be.
        extents = extents.into_iter().flat_map(pieces).collect();
        for extent in &mut extents {
            if matches!(extent.source, Source::Inline(_)) && self.chance(2) {
                let stored = self.stored(model);
                if let Source::Slice(mut slice) = stored.source
                    && slice.stored_len >= extent.len
                {
                    slice.window_offset = 0;
                    extent.source = Source::Slice(slice);
                }
            }
        }
        if self.chance(8) {
            extents.pop();
        }
        let expect = if self.chance(10) {
            Version(3)
        } else {
            inode.generation
        };
        Some(Command::Compact {
            node,
            range: first,
            expect,
            extents,
        })
    }
}

fn pieces(extent: Extent) -> Vec<Extent> {
    if matches!(extent.source, Source::Slice(_)) {
        return vec![extent];
    }
    let mut cut = Vec::new();
    let mut at = extent.at;
    while at < extent.end() {
        let end = extent.end().min(at + 4096);
        cut.push(super::body::window(&extent, at, end));
        at = end;
    }
    cut
}
