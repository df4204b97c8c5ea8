//! A workspace with something in every kind of file, and where to damage it.

use crate::corruption::options;
use crate::model::{Model, Step};
use crate::rng::Rng;
use crate::script::{command, content, next};
use nokv_client::{Ack, EventQuery, Namespace as _};
use nokv_metad::Embedded;
use nokv_types::{Command, Digest, Event, ObjectId, Outcome, Request, Slice, Version};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Steps of the script, a checkpoint at each third.
const STEPS: usize = 150;
const SEED: [u8; 16] = [5; 16];

/// The kinds of file that a workspace is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Log,
    LogState,
    Manifest,
    Frames,
    Events,
    Workspace,
    Head,
    Identity,
    CheckpointManifest,
    CheckpointPart,
    Body,
}

impl Kind {
    pub(crate) const ALL: [Kind; 11] = [
        Kind::Log,
        Kind::LogState,
        Kind::Manifest,
        Kind::Frames,
        Kind::Events,
        Kind::Workspace,
        Kind::Head,
        Kind::Identity,
        Kind::CheckpointManifest,
        Kind::CheckpointPart,
        Kind::Body,
    ];

    /// The kind of a file by its path; `None` for what holds nothing.
    fn of(path: &str) -> Option<Self> {
        match path {
            "data/log/STATE" => Some(Self::LogState),
            "data/frames/manifest" => Some(Self::Manifest),
            "data/frames/frames" => Some(Self::Frames),
            "data/WORKSPACE" => Some(Self::Workspace),
            "objects/objects/meta/HEAD" => Some(Self::Head),
            "objects/objects/meta/IDENTITY" => Some(Self::Identity),
            _ if path.starts_with("data/log/") => Some(Self::Log),
            _ if path.starts_with("data/events/") => Some(Self::Events),
            _ if path.starts_with("objects/objects/data/") => Some(Self::Body),
            _ if path.contains("/part-") => Some(Self::CheckpointPart),
            _ if path.starts_with("objects/objects/meta/ckpt/") => Some(Self::CheckpointManifest),
            _ => None,
        }
    }
}

/// One damage.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) kind: Kind,
    path: PathBuf,
    at: u64,
    /// The bit that is flipped there; `None` cuts the file there.
    bit: Option<u8>,
}

impl Spot {
    pub(crate) fn inflict(&self, dir: &Path) {
        let path = dir.join(&self.path);
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let Some(bit) = self.bit else {
            file.set_len(self.at).unwrap();
            return;
        };
        let mut byte = [0];
        file.read_exact_at(&mut byte, self.at).unwrap();
        file.write_all_at(&[byte[0] ^ (1 << bit)], self.at).unwrap();
    }
}

/// So many spots of each kind, over all files of the kind; a fourth of them are cuts.
pub(crate) fn spots(dir: &Path, rng: &mut Rng, each: u64) -> Vec<Spot> {
    let mut files = Vec::new();
    walk(dir, Path::new(""), &mut files);
    let mut spots = Vec::new();
    for kind in Kind::ALL {
        let of: Vec<&PathBuf> = files
            .iter()
            .filter(|path| Kind::of(path.to_str().unwrap()) == Some(kind))
            .collect();
        assert!(!of.is_empty(), "no file is {kind:?}: {files:?}");
        for _ in 0..each {
            let path = (*rng.pick(&of).unwrap()).clone();
            let len = fs::metadata(dir.join(&path)).unwrap().len();
            // Zeros that nothing uses say little: most of a log file, and of the last frame.
            let used = last_used(&dir.join(&path)).max(1);
            let bound = if rng.below(8) == 0 { len } else { used };
            spots.push(Spot {
                kind,
                path,
                at: rng.below(bound as usize) as u64,
                bit: (rng.below(4) > 0).then(|| rng.below(8) as u8),
            });
        }
    }
    spots
}

/// Bytes up to the last that is not zero.
fn last_used(path: &Path) -> u64 {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1) as u64
}

fn walk(root: &Path, below: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(root.join(below))
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            walk(root, &path, files);
        } else {
            files.push(path);
        }
    }
}

/// Copies a tree of files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What was built, and what it must answer.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) dir: PathBuf,
    pub(crate) model: Model,
    /// The state after each durable command.
    history: Vec<(Version, Model)>,
    pub(crate) acknowledged: u64,
    pub(crate) events: Vec<Event>,
    /// Bodies of the live state and the snapshots.
    pub(crate) slices: Vec<Slice>,
}

impl World {
    /// The state that a prefix of the log up to this version leads to.
    pub(crate) fn at(&self, version: Version) -> &Model {
        let there = self.history.iter().take_while(|(at, _)| *at <= version);
        &there.last().unwrap().1
    }
}

/// Runs a script whose every command is durable. Closed in order, the frames hold all of it; else the last third is
/// in the log alone.
pub(crate) fn build(dir: &Path, seed: u64, clean: bool) -> World {
    nokv_types::failpoint::isolate();
    let namespace = Embedded::create(&dir.join("data"), options(dir)).unwrap();
    let mut rng = Rng::new(seed);
    let mut model = Model::default();
    let mut history = vec![(Version::ZERO, Model::default())];
    for number in 1..=STEPS {
        let object = reserve(&namespace);
        let step = next(&model, &mut rng, object);
        if let Step::Store(_, object) = step {
            let bytes = content(object);
            let sum = crc32c::crc32c(&bytes);
            namespace.blobs().put_new(object, &bytes, sum).unwrap();
        }
        let version = durable(&namespace, command(&namespace, &step)).0;
        model.apply(&step);
        history.push((version, model.clone()));
        if number % (STEPS / 3) == 0 && number < STEPS {
            namespace.checkpoint().unwrap();
        }
    }
    let query = EventQuery {
        limit: 100_000,
        ..EventQuery::default()
    };
    let page = namespace.events(&query).unwrap();
    let slices = slices(&model);
    assert!(!slices.is_empty(), "the script of seed {seed} stores no body");
    // The very last segment may be taken for one that was cut short: nothing of the model is in it.
    for _ in 0..3 {
        reserve(&namespace);
    }
    if clean {
        namespace.close().unwrap();
    }
    drop(namespace);
    World {
        dir: dir.to_owned(),
        acknowledged: history.len() as u64 - 1,
        events: page.events.into_iter().map(|event| event.event).collect(),
        model,
        history,
        slices,
    }
}

fn slices(model: &Model) -> Vec<Slice> {
    let slice = |object: ObjectId| {
        let bytes = content(object);
        Slice {
            object,
            stored_offset: 0,
            stored_len: bytes.len() as u32,
            digest: Digest::blake3(&bytes),
            window_offset: 0,
        }
    };
    model.objects().into_iter().map(slice).collect()
}

fn reserve(namespace: &Embedded) -> ObjectId {
    let (_, outcome) = durable(namespace, Command::ReserveObjects { seed: SEED });
    match outcome {
        Outcome::Reserved(reservation) => ObjectId::derive(&SEED, reservation, 0),
        other => panic!("{other:?}"),
    }
}

fn durable(namespace: &Embedded, command: Command) -> (Version, Outcome) {
    let answer = namespace
        .submit(vec![Request::internal(command)], Ack::Durable)
        .remove(0);
    let reply = answer.unwrap();
    (reply.version, reply.outcome)
}
