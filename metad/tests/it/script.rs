//! A seeded script: valid steps against a namespace, with everything an engine does in between.

use crate::model::{Model, Step, Thing, node};
use crate::rng::Rng;
use crate::world::OWNER;
use nokv_metad::Embedded;
use nokv_types::{
    Command, Digest, Extent, Name, NewBody, NewKind, Node, ObjectId, RenameMode, Slice, Source, Target,
};

/// The next step that is valid in this state.
pub(crate) fn next(model: &Model, rng: &mut Rng, object: ObjectId) -> Step {
    loop {
        if let Some(step) = propose(model, rng, object) {
            return step;
        }
    }
}

fn propose(model: &Model, rng: &mut Rng, object: ObjectId) -> Option<Step> {
    let live = &model.live;
    let of = |want: fn(&Thing) -> bool| -> Vec<&String> {
        live.iter()
            .filter(|(_, thing)| want(thing))
            .map(|(path, _)| path)
            .collect()
    };
    let dirs = of(|thing| *thing == Thing::Dir);
    let files = of(|thing| !matches!(thing, Thing::Dir));
    let parent = if rng.below(3) == 0 { None } else { rng.pick(&dirs) };
    let name = format!("n{}", rng.below(12));
    let path = parent.map_or(name.clone(), |parent| format!("{parent}/{name}"));
    let free = !live.contains_key(&path) && path.matches('/').count() < 4;
    let is_empty = |dir: &str| !live.keys().any(|at| at.starts_with(&format!("{dir}/")));
    match rng.below(20) {
        0..=3 if free => Some(Step::Mkdir(path)),
        4..=6 if free => Some(Step::Create(path)),
        7 if free => Some(Step::Symlink(path, b"to/somewhere".to_vec())),
        8..=9 if free || matches!(live.get(&path), Some(Thing::File(_) | Thing::Stored(_))) => {
            let bytes = (0..rng.below(300)).map(|i| i as u8).collect();
            Some(Step::Publish(path, bytes))
        }
        10..=12 if free || matches!(live.get(&path), Some(Thing::File(_) | Thing::Stored(_))) => {
            Some(Step::Store(path, object))
        }
        13 => Some(Step::Unlink((*rng.pick(&files)?).clone())),
        14 => {
            let dir = rng.pick(&dirs)?;
            is_empty(dir).then(|| Step::Rmdir((*dir).clone()))
        }
        15 if rng.below(3) == 0 => Some(Step::RemoveTree((*rng.pick(&dirs)?).clone())),
        16..=17 if free => {
            let all: Vec<&String> = live.keys().collect();
            let from = *rng.pick(&all)?;
            let inside = path.starts_with(&format!("{from}/")) || path == *from;
            (!inside).then(|| Step::Rename(from.clone(), path))
        }
        18 => {
            let key = format!("s{}", rng.below(4));
            (!model.snapshots.contains_key(&key)).then_some(Step::Snapshot(key))
        }
        19 => {
            let keys: Vec<&String> = model.snapshots.keys().collect();
            Some(Step::Release((*rng.pick(&keys)?).clone()))
        }
        _ => None,
    }
}

/// The command of a step.
pub(crate) fn command(namespace: &Embedded, step: &Step) -> Command {
    let create = |path: &str, kind| {
        let (parent, name) = place(namespace, path);
        Command::Create {
            parent,
            name,
            inode: OWNER,
            kind,
        }
    };
    match step {
        Step::Mkdir(path) => create(path, NewKind::Directory),
        Step::Create(path) => create(path, NewKind::File),
        Step::Symlink(path, target) => create(path, NewKind::Symlink(target.clone())),
        Step::Publish(path, bytes) => {
            publish(namespace, path, Source::Inline(bytes.clone()), bytes.len() as u32)
        }
        Step::Store(path, object) => {
            let bytes = content(*object);
            let slice = Slice {
                object: *object,
                stored_offset: 0,
                stored_len: bytes.len() as u32,
                digest: Digest::blake3(&bytes),
                window_offset: 0,
            };
            publish(namespace, path, Source::Slice(slice), bytes.len() as u32)
        }
        Step::Unlink(path) => {
            let (parent, name) = place(namespace, path);
            Command::Unlink { parent, name }
        }
        Step::Rmdir(path) => {
            let (parent, name) = place(namespace, path);
            Command::Rmdir { parent, name }
        }
        Step::RemoveTree(path) => {
            let (parent, name) = place(namespace, path);
            Command::RemoveTree { parent, name }
        }
        Step::Rename(old, new) => {
            let ((from, from_name), (to, to_name)) = (place(namespace, old), place(namespace, new));
            Command::Rename {
                from,
                from_name,
                to,
                to_name,
                mode: RenameMode::NoReplace,
            }
        }
        Step::Snapshot(key) => Command::SnapshotCreate {
            key: key.clone().into_bytes(),
            node: node(namespace, ""),
            holder: b"script".to_vec(),
            lease_ns: None,
        },
        Step::Release(key) => Command::SnapshotRelease {
            key: key.clone().into_bytes(),
            holder: b"script".to_vec(),
        },
    }
}

/// What is stored in an object of the script.
pub(crate) fn content(object: ObjectId) -> Vec<u8> {
    object.0.to_le_bytes().repeat(40)
}

fn publish(namespace: &Embedded, path: &str, source: Source, len: u32) -> Command {
    let (parent, name) = place(namespace, path);
    let extents = if len == 0 {
        Vec::new()
    } else {
        vec![Extent { at: 0, len, source }]
    };
    Command::Publish {
        target: Target::Name {
            parent,
            name,
            inode: OWNER,
            create_only: false,
        },
        body: NewBody::Whole {
            size: u64::from(len),
            extents,
        },
        expect: None,
        xattrs: Vec::new(),
    }
}

fn place(namespace: &Embedded, path: &str) -> (Node, Name) {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    (node(namespace, parent), Name::new(name.as_bytes()).unwrap())
}
