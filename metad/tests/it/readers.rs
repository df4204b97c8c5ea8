//! Readers beside a committer: never half a batch, never a name that is missing or there twice.

use crate::rng::{Rng, seed, size};
use crate::wait;
use crate::world::{HEAD, ROOT, World, create, dir, file, name};
use nokv_client::{Ack, Namespace as _};
use nokv_metad::Embedded;
use nokv_testkit::evidence::Evidence;
use nokv_types::{Code, Command, NewKind, Node, RenameMode, Request};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Batches that a writer commits at least, however slow it is.
const BATCHES_MIN: u64 = 50;
/// How long each writer goes on: the five tests together a third of a minute, a minute each in full size.
const SECONDS: u64 = 4;
const READERS: usize = 3;

/// Ends everybody.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `write` on this thread while readers repeat `read`; answers how often they did.
fn beside(write: impl FnOnce(), read: impl Fn(&mut Rng) + Sync) -> u64 {
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (done, reads, read) = (&done, &reads, &read);
            scope.spawn(move || {
                // When one panics, nobody waits for it.
                let _end = End(done);
                let mut rng = Rng::new(reader as u64);
                while !done.load(Ordering::SeqCst) {
                    read(&mut rng);
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Also when the writer panics.
        let _end = End(&done);
        // They read from the first batch on.
        while reads.load(Ordering::Relaxed) < READERS as u64 && !done.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        write();
    });
    reads.into_inner()
}

fn batches() -> impl Iterator<Item = u64> {
    wait::rounds(
        BATCHES_MIN,
        Duration::from_secs(size("NOKV_READER_SECONDS", SECONDS)),
    )
}

/// Says how much was read beside how many batches.
fn evidence(batches: u64, reads: u64, what: &str) {
    Evidence {
        ring: "readers",
        seeds: what,
        injected: (batches, "batches beside readers"),
        acknowledged: (reads, "reads"),
    }
    .print();
}

fn rename(from: Node, old: &str, to: Node, new: &str, mode: RenameMode) -> Request {
    Request::internal(Command::Rename {
        from,
        from_name: name(old),
        to,
        to_name: name(new),
        mode,
    })
}

fn all_ok(namespace: &Embedded, requests: Vec<Request>) {
    for answer in namespace.submit(requests, Ack::Applied) {
        answer.unwrap_or_else(|refusal| {
            let engine = namespace.engine();
            panic!(
                "{refusal}; the engine: {:?}, {:?}",
                engine.failure(),
                engine.stats()
            )
        });
    }
}

#[test]
fn a_name_that_is_renamed_back_and_forth_is_always_there_once() {
    let world = World::new();
    let namespace = world.create();
    let sub = dir(&namespace, ROOT, "sub");
    let moved = file(&namespace, sub, "a");
    let made = AtomicU64::new(0);
    let reads = beside(
        || {
            for i in batches() {
                made.store(i + 1, Ordering::Relaxed);
                let (old, new) = if i % 2 == 0 { ("a", "b") } else { ("b", "a") };
                all_ok(
                    &namespace,
                    vec![rename(sub, old, sub, new, RenameMode::NoReplace)],
                );
            }
        },
        |_| {
            let page = namespace.readdir(HEAD, sub.ino, None, 10, true).unwrap();
            assert_eq!(page.entries.len(), 1, "{page:?}");
            assert_eq!(page.entries[0].attr.unwrap().kind, nokv_types::FileKind::File);
            let path = namespace.path_of(HEAD, page.entries[0].node.ino).unwrap();
            assert!(path.names().len() == 2, "{path}");
        },
    );
    println!("{moved:?} was moved");
    evidence(made.into_inner(), reads, "renamed back and forth");
    namespace.close().unwrap();
}

#[test]
fn exchanged_directories_never_show_one_twice() {
    let world = World::new();
    let namespace = world.create();
    let (left, right) = (dir(&namespace, ROOT, "left"), dir(&namespace, ROOT, "right"));
    let (one, other) = (dir(&namespace, left, "x"), dir(&namespace, right, "x"));
    let made = AtomicU64::new(0);
    let reads = beside(
        || {
            for i in batches() {
                made.store(i + 1, Ordering::Relaxed);
                all_ok(
                    &namespace,
                    vec![rename(left, "x", right, "x", RenameMode::Exchange)],
                );
            }
        },
        |_| {
            let seen = namespace.engine().read(|reader| {
                let at = |dir: Node| reader.lookup(HEAD, dir.ino, &name("x")).map(|entry| entry.node);
                (at(left).unwrap(), at(right).unwrap())
            });
            assert!(seen == (one, other) || seen == (other, one), "{seen:?}");
        },
    );
    evidence(made.into_inner(), reads, "exchanged");
    namespace.close().unwrap();
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let world = World::new();
    let namespace = world.create();
    let (one, other) = (dir(&namespace, ROOT, "one"), dir(&namespace, ROOT, "other"));
    let seed = seed("NOKV_READER_SEED");
    println!("seed {seed}");
    let made = AtomicU64::new(0);
    let reads = beside(
        || {
            for i in batches() {
                made.store(i + 1, Ordering::Relaxed);
                let text = format!("f{i}");
                let pair = [one, other].map(|parent| create(parent, &text, NewKind::File));
                all_ok(&namespace, pair.into());
            }
        },
        |rng| {
            let text = format!("f{}", rng.below(made.load(Ordering::Relaxed) as usize));
            let seen = namespace.engine().read(|reader| {
                let at = |dir: Node| reader.lookup(HEAD, dir.ino, &name(&text)).is_ok();
                let count = |dir: Node| reader.getattr(HEAD, dir.ino).unwrap().entries;
                ((at(one), at(other)), (count(one), count(other)))
            });
            assert_eq!(seen.0.0, seen.0.1, "half a batch");
            assert_eq!(seen.1.0, seen.1.1, "half a batch");
        },
    );
    evidence(made.into_inner(), reads, "batches");
    namespace.close().unwrap();
}

#[test]
fn a_file_that_gets_and_loses_a_second_name_keeps_its_attributes() {
    let world = World::new();
    let namespace = world.create();
    let sub = dir(&namespace, ROOT, "sub");
    let made = AtomicU64::new(0);
    let reads = beside(
        || {
            for i in batches() {
                made.store(i + 1, Ordering::Relaxed);
                let text = format!("f{i}");
                let made = file(&namespace, sub, &text);
                let nokv_types::Outcome::Inode(node, _) = made.outcome else {
                    panic!("{made:?}")
                };
                let link = Request::internal(Command::Link {
                    node,
                    parent: sub,
                    name: name("second"),
                });
                let unlink = |text: &str| {
                    Request::internal(Command::Unlink {
                        parent: sub,
                        name: name(text),
                    })
                };
                all_ok(&namespace, vec![link]);
                all_ok(&namespace, vec![unlink(&text)]);
                all_ok(&namespace, vec![unlink("second")]);
            }
        },
        |_| {
            let page = namespace.readdir(HEAD, sub.ino, None, 10, true).unwrap();
            for entry in page.entries {
                assert!(entry.attr.unwrap().nlink >= 1, "{entry:?}");
                match namespace.getattr(HEAD, entry.node.ino) {
                    Ok(attr) => assert!(attr.nlink >= 1),
                    Err(error) => assert_eq!(error.code(), Some(Code::NotFound)),
                }
            }
        },
    );
    evidence(made.into_inner(), reads, "linked and unlinked");
    namespace.close().unwrap();
}

#[test]
fn a_root_that_is_forked_and_deleted_never_leads_nowhere() {
    let world = World::new();
    let namespace = world.create();
    let sub = dir(&namespace, ROOT, "sub");
    file(&namespace, sub, "f");
    let origin = || nokv_types::Origin::Root {
        name: b"main".to_vec(),
        version: nokv_types::Version::HEAD,
    };
    let made = AtomicU64::new(0);
    let reads = beside(
        || {
            for i in batches() {
                made.store(i + 1, Ordering::Relaxed);
                let fork = Command::Fork {
                    name: b"fork".to_vec(),
                    origin: origin(),
                };
                let delete = Command::RootDelete {
                    name: b"fork".to_vec(),
                };
                all_ok(&namespace, vec![Request::internal(fork)]);
                all_ok(&namespace, vec![Request::internal(delete)]);
            }
        },
        |_| {
            // Root row and timeline belong together: where the fork is named, its entries are found.
            let found = namespace.engine().read(|reader| {
                let Ok(root) = reader.root(b"fork") else {
                    return true;
                };
                let point = nokv_types::ReadPoint {
                    timeline: root.node.timeline,
                    ..HEAD
                };
                reader.lookup(point, root.node.ino, &name("sub")).is_ok()
            });
            assert!(found, "a root leads nowhere");
        },
    );
    evidence(made.into_inner(), reads, "forked and deleted");
    namespace.close().unwrap();
}
