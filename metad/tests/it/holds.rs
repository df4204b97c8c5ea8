//! What must hold when two things come together: a store that is away at the start, a request that is sent again,
//! a stop beside a drain or beside callers.

use crate::clock::TestClock;
use crate::wait::until;
use crate::world::{ROOT, World, create, file, name, names, one};
use nokv_client::{Ack, GcOptions, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
use nokv_object::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, PutOutcome, Result,
    SignRequest, SignedUrl, layout,
};
use nokv_types::{Command, NewKind, ObjectId, Outcome, Request, RequestId, SessionId};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store whose HEAD can be away, and that says what happens before objects are deleted, before HEAD is written, and
/// while HEAD is on its way to a reader.
pub(crate) struct Watched {
    inner: Arc<dyn ObjectStore>,
    head_away: AtomicBool,
    deleting: Mutex<Option<Box<dyn Fn() + Send>>>,
    pub(crate) listing: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub(crate) answering: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Watched")
    }
}

impl Watched {
    pub(crate) fn over(world: &mut World) -> Arc<Self> {
        let watched = Arc::new(Self {
            inner: Arc::clone(&world.objects),
            head_away: AtomicBool::new(false),
            deleting: Mutex::new(None),
            listing: Mutex::new(None),
            answering: Mutex::new(None),
        });
        world.objects = Arc::clone(&watched) as Arc<dyn ObjectStore>;
        watched
    }
}

impl ObjectStore for Watched {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        self.inner.put_if_absent(key, bytes, crc32c)
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        let listing = self.listing.lock().unwrap().take_if(|_| *key == layout::head());
        if let Some(listing) = listing {
            listing();
        }
        self.inner.put_if_match(key, bytes, expected)
    }

    fn get(&self, key: &Key) -> Result<Object> {
        if *key == layout::head() && self.head_away.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, Op::Get).on(key));
        }
        let answer = self.inner.get(key);
        let answering = self.answering.lock().unwrap().take_if(|_| *key == layout::head());
        if let Some(answering) = answering {
            answering();
        }
        answer
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        self.inner.get_range(key, offset, len)
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.inner.head(key)
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        if let Some(deleting) = &*self.deleting.lock().unwrap() {
            deleting();
        }
        self.inner.delete(keys)
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        self.inner.list(prefix, start_after, limit)
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        self.inner.sign(request)
    }
}

pub(crate) fn quiet(world: &World) -> Options {
    let options = world.options();
    Options {
        workers: false,
        limits: Limits {
            window: Duration::ZERO,
            gc_grace: Duration::ZERO,
            ..options.limits
        },
        ..options
    }
}

/// A file whose body is an object.
pub(crate) fn stored(namespace: &Embedded, text: &str) -> ObjectId {
    let seed = [7; 16];
    let reserve = Request::internal(Command::ReserveObjects { seed });
    let reserved = one(namespace, reserve, Ack::Durable).unwrap().outcome;
    let Outcome::Reserved(reservation) = reserved else {
        panic!("{reserved:?}")
    };
    let object = ObjectId::derive(&seed, reservation, 0);
    let body = seed.repeat(100);
    let put = namespace.blobs().put_new(object, &body, crc32c::crc32c(&body));
    put.unwrap();
    let publish = crate::load::publish(ROOT, text, (object, true), &body);
    one(namespace, publish, Ack::Durable).unwrap();
    object
}

pub(crate) fn unlink(text: &str) -> Request {
    Request::internal(Command::Unlink {
        parent: ROOT,
        name: name(text),
    })
}

#[test]
fn what_kept_checkpoints_reach_stays_though_head_was_away_at_the_start() {
    let mut world = World::new();
    let watched = Watched::over(&mut world);
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    let object = stored(&namespace, "f");
    for _ in 0..2 {
        namespace.checkpoint().unwrap();
    }
    one(&namespace, unlink("f"), Ack::Durable).unwrap();
    let collect = |namespace: &Embedded| namespace.gc(&GcOptions::default()).unwrap();
    assert_eq!(collect(&namespace).objects_deleted, 0);
    namespace.close().unwrap();
    drop(namespace);
    watched.head_away.store(true, Ordering::SeqCst);
    let namespace = Embedded::open(world.path(), quiet(&world)).unwrap();
    assert_eq!(collect(&namespace).objects_deleted, 0);
    assert!(world.objects.head(&layout::data(object.0)).unwrap().is_some());
    // When it is back, new checkpoints let go of it.
    watched.head_away.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        namespace.checkpoint().unwrap();
    }
    assert_eq!(collect(&namespace).objects_deleted, 1);
}

const SESSION: SessionId = SessionId(9);

#[test]
fn a_durable_answer_to_what_was_only_applied_waits_for_it() {
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    let open = Command::SessionOpen {
        session: SESSION,
        ttl_ns: 3_600_000_000_000,
    };
    one(&namespace, Request::internal(open), Ack::Durable).unwrap();
    let request = Request {
        id: Some(RequestId {
            session: SESSION,
            stream: 0,
            sequence: 1,
            part: 0,
        }),
        ..create(ROOT, "f", NewKind::File)
    };
    let first = one(&namespace, request.clone(), Ack::Applied).unwrap();
    let stats = || namespace.engine().stats();
    assert!(stats().durable_seq < stats().appended_seq);
    let again = one(&namespace, request, Ack::Durable).unwrap();
    assert_eq!(first.version, again.version);
    assert_eq!(stats().durable_seq, stats().appended_seq);
}

#[test]
fn ids_are_swept_only_after_the_end_of_their_reservation_is_durable() {
    let mut world = World::new();
    let watched = Watched::over(&mut world);
    let clock = Arc::new(TestClock::new());
    let options = Options {
        clocks: Arc::<TestClock>::clone(&clock),
        ..quiet(&world)
    };
    let namespace = Arc::new(Embedded::create(world.path(), options).unwrap());
    let reserve = Request::internal(Command::ReserveObjects { seed: [7; 16] });
    one(&namespace, reserve, Ack::Durable).unwrap();
    clock.advance(Duration::from_hours(6));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (engine, noted) = (Arc::clone(namespace.engine()), Arc::clone(&seen));
    *watched.deleting.lock().unwrap() = Some(Box::new(move || {
        let stats = engine.stats();
        noted
            .lock()
            .unwrap()
            .push((stats.durable_seq, stats.appended_seq));
    }));
    namespace.gc(&GcOptions::default()).unwrap();
    *watched.deleting.lock().unwrap() = None;
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    assert!(
        seen.iter().all(|(durable, appended)| durable == appended),
        "{seen:?}"
    );
}

/// Longer than a store that nobody closed waits before it drains.
const DRAINED: Duration = Duration::from_secs(1);

#[test]
fn an_engine_that_was_closed_writes_nothing_any_more() {
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    for i in 0..2000 {
        one(
            &namespace,
            create(ROOT, &format!("f{i:05}"), NewKind::File),
            Ack::Applied,
        )
        .unwrap();
    }
    namespace.close().unwrap();
    // The next owner may come now, while the closed one is still in memory.
    let frames = || std::fs::read(world.path().join("frames/frames")).unwrap();
    let before = frames();
    std::thread::sleep(DRAINED);
    assert!(
        before == frames(),
        "the frames changed after the lock was given up"
    );
}

/// Ends of a load at which somebody may be left waiting.
const CLOSES: usize = 40;
/// Time within which everybody has an answer.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn nobody_waits_for_ever_when_the_engine_is_closed() {
    for round in 0..CLOSES {
        let world = World::new();
        let namespace = Arc::new(world.create());
        let (ended, all) = std::sync::mpsc::channel();
        for caller in 0..4 {
            let (namespace, ended) = (Arc::clone(&namespace), ended.clone());
            std::thread::spawn(move || {
                for i in 0.. {
                    let request = create(ROOT, &format!("{caller}-{i}"), NewKind::File);
                    if one(&namespace, request, Ack::Durable).is_err() {
                        break;
                    }
                }
                ended.send(()).unwrap();
            });
        }
        // Each round ends the load at another command.
        let enough = 50 + 5 * round as u64;
        let under_load = || namespace.engine().stats().commands >= enough;
        assert!(
            until(PATIENCE, under_load),
            "round {round}: the load does not run"
        );
        namespace.close().unwrap();
        for caller in 0..4 {
            let waited = all.recv_timeout(PATIENCE);
            assert!(waited.is_ok(), "round {round}: after {caller} callers");
        }
    }
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
fn an_old_copy_of_a_data_directory_is_refused_by_what_the_store_knows() {
    let world = World::new();
    let namespace = Embedded::create(world.path(), quiet(&world)).unwrap();
    file(&namespace, ROOT, "before");
    namespace.close().unwrap();
    drop(namespace);
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("data");
    copy_dir(world.path(), &copy);
    // Without a later checkpoint the copy is as good as what it was made of.
    Embedded::open(&copy, quiet(&world)).unwrap().close().unwrap();
    let namespace = Embedded::open(world.path(), quiet(&world)).unwrap();
    for i in 0..10 {
        file(&namespace, ROOT, &format!("after{i}"));
    }
    namespace.checkpoint().unwrap();
    namespace.close().unwrap();
    drop(namespace);
    let refused = Embedded::open(&copy, quiet(&world)).unwrap_err();
    assert_eq!(refused.kind, nokv_metad::ErrorKind::Loss, "{refused}");
    // What the checkpoints are of is still there.
    Embedded::open(world.path(), quiet(&world)).unwrap();
    // Who goes on with the copy all the same gets its own checkpoints, and those only.
    let accepting = Options {
        accept_loss: true,
        ..quiet(&world)
    };
    let namespace = Embedded::open(&copy, accepting).unwrap();
    file(&namespace, ROOT, "instead");
    namespace.checkpoint().unwrap();
    namespace.close().unwrap();
    drop(namespace);
    std::fs::write(copy.join("frames/manifest"), b"damaged").unwrap();
    let namespace = Embedded::open(&copy, quiet(&world)).unwrap();
    assert_eq!(names(&namespace, ROOT), ["before", "instead"]);
}
