//! A load that writes down what was answered before it goes on, and the proof of what must be there afterwards.

use crate::world::{HEAD, OWNER, ROOT, name};
use nokv_client::{Ack, Namespace as _};
use nokv_metad::Embedded;
use nokv_types::{
    Command, Digest, Extent, NewBody, NewKind, Node, ObjectId, Outcome, Request, Slice, Source, Target,
    Version,
};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// Callers side by side.
pub(crate) const CALLERS: u32 = 4;
/// Files of one request.
const FILES: u64 = 16;
/// Every so many requests of a caller one publishes a body that is an object.
const STORE_EVERY: u64 = 5;

/// One answered request of a caller: its number, whether it was durable, the versions of its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) number: u64,
    pub(crate) durable: bool,
    pub(crate) first: Version,
    pub(crate) last: Version,
}

impl Note {
    /// As it is written down; whole when its end is there.
    pub(crate) fn line(&self) -> String {
        let Self {
            number,
            durable,
            first,
            last,
        } = self;
        format!("{number} {durable} {} {} .\n", first.0, last.0)
    }
}

/// The directory of a caller; made durable when it is not there.
pub(crate) fn home(namespace: &Embedded, caller: u32) -> Node {
    let text = format!("caller{caller}");
    if let Ok(found) = namespace.lookup(HEAD, ROOT.ino, &name(&text)) {
        return found.node;
    }
    let request = crate::world::create(ROOT, &text, NewKind::Directory);
    match namespace
        .submit(vec![request], Ack::Durable)
        .remove(0)
        .unwrap()
        .outcome
    {
        Outcome::Inode(node, _) => node,
        other => panic!("{other:?}"),
    }
}

/// Where a caller's notes are.
pub(crate) fn notes_of(notes: &Path, caller: u32) -> PathBuf {
    notes.join(format!("caller{caller}"))
}

/// Runs requests from `number` on until one is not answered well, or `count` were.
pub(crate) fn run(namespace: &Embedded, notes: &Path, caller: u32, count: u64) {
    let home = home(namespace, caller);
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(notes_of(notes, caller))
        .unwrap();
    let first = present(namespace, home);
    for number in first..first.saturating_add(count) {
        let ack = if number % 3 == 2 {
            Ack::Applied
        } else {
            Ack::Durable
        };
        let Some(requests) = requests(namespace, home, caller, number) else {
            return;
        };
        let answers = namespace.submit(requests, ack);
        let mut versions = Vec::new();
        for answer in answers {
            match answer {
                Ok(reply) => versions.push(reply.version),
                Err(_) => return,
            }
        }
        let (first, last) = (versions[0], versions[versions.len() - 1]);
        let durable = ack == Ack::Durable;
        // One write per note, synced before the next request: a note counts when it is whole.
        let note = Note {
            number,
            durable,
            first,
            last,
        };
        file.write_all(note.line().as_bytes()).unwrap();
        file.sync_data().unwrap();
    }
}

fn requests(namespace: &Embedded, home: Node, caller: u32, number: u64) -> Option<Vec<Request>> {
    let mut requests: Vec<Request> = (0..FILES)
        .map(|i| crate::world::create(home, &format!("{number:06}-{i:02}"), NewKind::File))
        .collect();
    if number.is_multiple_of(STORE_EVERY) {
        let mut seed = [0; 16];
        seed[0] = caller as u8;
        seed[8..].copy_from_slice(&number.to_le_bytes());
        let reserve = Request::internal(Command::ReserveObjects { seed });
        let reply = namespace.submit(vec![reserve], Ack::Durable).remove(0).ok()?;
        let Outcome::Reserved(reservation) = reply.outcome else {
            return None;
        };
        // In the place of the last file, so that every request changes as many entries; and over it again, so
        // that the first body is garbage.
        requests.pop();
        for index in 0..2 {
            let object = ObjectId::derive(&seed, reservation, index);
            let bytes = object.0.to_le_bytes().repeat(20);
            namespace
                .blobs()
                .put_new(object, &bytes, crc32c::crc32c(&bytes))
                .ok()?;
            requests.push(publish(home, &stored_name(number), (object, index == 0), &bytes));
        }
    }
    Some(requests)
}

/// The file of a request whose body is an object.
fn stored_name(number: u64) -> String {
    format!("{number:06}-{:02}", FILES - 1)
}

/// The objects that the files of all callers are made of.
pub(crate) fn objects(namespace: &Embedded) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    for caller in 0..CALLERS {
        let home = home(namespace, caller);
        let there = present(namespace, home);
        for number in (0..there).filter(|number| number.is_multiple_of(STORE_EVERY)) {
            let file = namespace
                .lookup(HEAD, home.ino, &name(&stored_name(number)))
                .unwrap();
            let plan = namespace.read_plan(HEAD, file.node.ino, 0, u64::MAX).unwrap();
            for extent in plan.extents {
                match extent.source {
                    Source::Slice(slice) => drop(found.insert(slice.object)),
                    Source::Inline(_) => panic!("{number} of {caller} is not stored in an object"),
                }
            }
        }
    }
    found
}

/// A request that publishes a whole object as a file.
pub(crate) fn publish(
    parent: Node,
    text: &str,
    (object, create_only): (ObjectId, bool),
    bytes: &[u8],
) -> Request {
    let len = bytes.len() as u32;
    let source = Source::Slice(Slice {
        object,
        stored_offset: 0,
        stored_len: len,
        digest: Digest::blake3(bytes),
        window_offset: 0,
    });
    Request::internal(Command::Publish {
        target: Target::Name {
            parent,
            name: name(text),
            inode: OWNER,
            create_only,
        },
        body: NewBody::Whole {
            size: u64::from(len),
            extents: vec![Extent { at: 0, len, source }],
        },
        expect: None,
        xattrs: Vec::new(),
    })
}

/// How many requests of a caller are there; each is there whole, and they are the first ones.
pub(crate) fn present(namespace: &Embedded, home: Node) -> u64 {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = namespace
            .readdir(HEAD, home.ino, after.as_ref(), 10_000, true)
            .unwrap();
        after = page.entries.last().map(|entry| entry.name.clone());
        names.extend(page.entries.into_iter().map(|entry| entry.name));
        if !page.more {
            break;
        }
    }
    let count = names.len() as u64;
    assert_eq!(count % FILES, 0, "a request is there in part");
    for (at, found) in names.iter().enumerate() {
        let at = at as u64;
        assert_eq!(
            *found,
            name(&format!("{:06}-{:02}", at / FILES, at % FILES)),
            "a request is missing"
        );
    }
    count / FILES
}

/// The whole notes of a caller.
pub(crate) fn notes(notes: &Path, caller: u32) -> Vec<Note> {
    let Ok(file) = File::open(notes_of(notes, caller)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.unwrap();
        let fields: Vec<&str> = line.split(' ').collect();
        let [number, durable, first, last, "."] = fields[..] else {
            continue;
        };
        found.push(Note {
            number: number.parse().unwrap(),
            durable: durable == "true",
            first: Version(first.parse().unwrap()),
            last: Version(last.parse().unwrap()),
        });
    }
    found
}

/// Everything that was noted is there, or (where `power` was lost) everything durable, and what is gone came after
/// everything that is there. Answers how many notes there are, and how many of them are gone.
pub(crate) fn prove(namespace: &Embedded, dir: &Path, power: bool) -> (u64, u64) {
    let (mut total, mut gone) = (0, 0);
    let (mut newest_there, mut oldest_gone) = (Version::ZERO, Version::HEAD);
    for caller in 0..CALLERS {
        let there = present(namespace, home(namespace, caller));
        for note in notes(dir, caller) {
            total += 1;
            if note.number < there {
                newest_there = newest_there.max(note.last);
                continue;
            }
            assert!(
                power && !note.durable,
                "caller {caller}: {note:?} is gone, {there} are there"
            );
            gone += 1;
            oldest_gone = oldest_gone.min(note.first);
        }
    }
    assert!(
        newest_there < oldest_gone,
        "{newest_there:?} is there, {oldest_gone:?} is gone: not a prefix"
    );
    (total, gone)
}
