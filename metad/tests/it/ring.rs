//! One run of a script with a fault armed somewhere: it dies, it is opened again, nothing answered is gone.

use crate::clock::TestClock;
use crate::damage::{self, Damage};
use crate::model::{Model, Step};
use crate::rng::Rng;
use crate::script::{command, content, next};
use crate::world::small_limits;
use nokv_client::{Ack, EventQuery, GcOptions, Namespace as _};
use nokv_journal::Mode;
use nokv_metad::{Embedded, ErrorKind, Limits, Options};
use nokv_object::dir::DirStore;
use nokv_object::faulty::{FaultRates, FaultyStore};
use nokv_object::{ObjectStore, layout};
use nokv_types::failpoint::{Action, Report, arm, disarm, isolate, report};
use nokv_types::{
    Answer, Code, Command, ObjectId, Outcome, Request, RequestId, ReservationId, SessionId, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const SESSION: SessionId = SessionId(7);
/// The longest that there is; renewed after every jump in time.
const SESSION_TTL_NS: u64 = 24 * 3600 * 1_000_000_000;
const SEED: [u8; 16] = [3; 16];
/// Opens that a run may need: one fault costs at most one more, and scripts reopen a few times.
const OPENS_MAX: u32 = 50;

/// What one run counted.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) hits: BTreeMap<&'static str, Report>,
    pub(crate) acknowledged: u64,
    pub(crate) crashes: u64,
    pub(crate) refused: BTreeSet<Code>,
}

/// The fault of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) point: &'static str,
    pub(crate) k: u64,
    pub(crate) action: Action,
}

/// A script under way.
pub(crate) struct Run {
    scratch: tempfile::TempDir,
    clock: Arc<TestClock>,
    model: Model,
    rng: Rng,
    sequence: u64,
    reservation: Option<(ReservationId, u16)>,
    pending: Option<(Step, Request)>,
    /// What the last request that was answered said, to be asked again after a crash.
    last: Option<(Request, Answer)>,
    outcomes: Outcomes,
    ended: bool,
    /// Where the object store is one that fails.
    faulty: Option<Arc<FaultyStore>>,
}

impl Run {
    fn new(seed: u64) -> Self {
        isolate();
        Self {
            scratch: scratch(),
            clock: Arc::new(TestClock::new()),
            model: Model::default(),
            rng: Rng::new(seed),
            sequence: 0,
            reservation: None,
            pending: None,
            last: None,
            outcomes: Outcomes::default(),
            ended: false,
            faulty: None,
        }
    }

    /// Runs `steps` steps of the script of `seed`, with a fault, and proves the result.
    pub(crate) fn all(seed: u64, steps: u32, fault: Option<Fault>) -> Outcomes {
        let mut run = Self::new(seed);
        if let Some(fault) = fault {
            arm(fault.point, fault.k, fault.action);
        }
        run.script(steps);
        run.prove();
        run.outcomes
    }

    /// The same over an object store that fails at these rates, until the proof; answers what it did too.
    pub(crate) fn over_faulty_objects(
        seed: u64,
        steps: u32,
        rates: FaultRates,
    ) -> (Outcomes, Arc<FaultyStore>) {
        let mut run = Self::new(seed);
        let faulty = Arc::new(FaultyStore::new(run.objects(), seed, rates));
        run.faulty = Some(Arc::clone(&faulty));
        run.script(steps);
        run.faulty = None;
        // What is still under way arrives before the garbage of its upload is swept for the last time.
        faulty.land_late();
        run.prove();
        (run.outcomes, faulty)
    }

    fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(DirStore::open(&self.scratch.path().join("objects")).unwrap())
    }

    fn options(&self) -> Options {
        let clock: Arc<dyn nokv_metad::Clocks> = Arc::clone(&self.clock) as _;
        Options {
            limits: Limits {
                log_file_bytes: 16 << 10,
                log_reserve_bytes: 64 << 10,
                log_bytes: 4 << 20,
                event_file_bytes: 4 << 10,
                gc_grace: Duration::from_secs(2),
                ..small_limits()
            },
            mode: Mode::Volume,
            clocks: clock,
            fatal: Arc::new(|_| ()),
            workers: false,
            ..Options::new(match &self.faulty {
                Some(faulty) => Arc::clone(faulty) as Arc<dyn ObjectStore>,
                None => self.objects(),
            })
        }
    }

    /// Opens (or makes) the workspace; a fault on the way is a crash, and the next try follows.
    fn open(&mut self) -> Embedded {
        for _ in 0..OPENS_MAX {
            let opened = match Embedded::open(&self.data(), self.options()) {
                Err(error) if error.kind == ErrorKind::Missing => {
                    Embedded::create(&self.data(), self.options())
                }
                opened => opened,
            };
            match opened {
                Ok(namespace) => return namespace,
                Err(error) => {
                    assert!(
                        !matches!(
                            error.kind,
                            ErrorKind::Corrupt | ErrorKind::Loss | ErrorKind::WrongWorkspace
                        ),
                        "{error} {:?}",
                        error.source
                    );
                    self.crash();
                }
            }
        }
        panic!("the workspace does not open");
    }

    /// The process is gone; what it armed too, and what it counted is kept.
    fn crash(&mut self) {
        self.outcomes.crashes += 1;
        self.count();
    }

    /// Takes the counters once the fault has fired, or at the end; until then it stays armed.
    fn count(&mut self) {
        let seen = report();
        let fired = seen.values().any(|seen| seen.fired > 0);
        if fired || self.ended {
            for (point, seen) in seen {
                let total = self.outcomes.hits.entry(point).or_default();
                total.hits += seen.hits;
                total.fired += seen.fired;
            }
            disarm();
        }
    }

    fn script(&mut self, steps: u32) {
        let mut namespace = self.open();
        let mut left = steps;
        while left > 0 {
            self.catch_up(&namespace);
            left -= 1;
            let healthy = match self.rng.below(24) {
                0 => namespace.checkpoint().is_ok(),
                1 => {
                    self.clock.advance(Duration::from_secs(3));
                    namespace.gc(&GcOptions::default()).is_ok()
                }
                2 => namespace
                    .events(&EventQuery {
                        limit: 100,
                        ..EventQuery::default()
                    })
                    .is_ok(),
                3 => {
                    namespace = self.reopen(namespace);
                    true
                }
                4 => self.jump(&namespace),
                5 => self.faulty.as_ref().is_none_or(|faulty| {
                    faulty.land_late();
                    true
                }),
                _ => self.step(&namespace),
            };
            if !healthy || namespace.engine().failure().is_some() {
                namespace = self.recover(namespace);
            }
        }
        drop(namespace);
    }

    /// Stops in some way, and perhaps something is damaged before the next start.
    fn reopen(&mut self, namespace: Embedded) -> Embedded {
        let clean = self.rng.below(2) == 0;
        if clean && namespace.close().is_err() {
            return self.recover(namespace);
        }
        drop(namespace);
        let damage = Damage::draw(&mut self.rng, clean);
        damage::inflict(&self.data(), damage);
        self.open()
    }

    /// After a crash or a fatal error: everything acknowledged is there, and at most the open command more.
    fn recover(&mut self, namespace: Embedded) -> Embedded {
        drop(namespace);
        self.crash();
        let namespace = self.open();
        let found = Model::read(&namespace);
        if found == self.model {
            return namespace;
        }
        let mut with_open = self.model.clone();
        if let Some((step, _)) = &self.pending {
            with_open.apply(step);
        }
        assert_eq!(found, with_open, "not an exact prefix; open: {:?}", self.pending);
        namespace
    }

    /// Asks the open request again, and the last answered one, which gets its first answer.
    fn catch_up(&mut self, namespace: &Embedded) {
        if let Some((request, first)) = self.last.clone() {
            let again = namespace.submit(vec![request], Ack::Applied).remove(0);
            if namespace.engine().failure().is_none() {
                assert_eq!(again, first, "a retried request gets its first answer");
            }
        }
        self.last = None;
        let Some((step, request)) = self.pending.take() else {
            return;
        };
        let answer = namespace.submit(vec![request.clone()], Ack::Durable).remove(0);
        self.take(step, request, answer);
    }

    /// Time passes: past the window, and past what reservations live.
    fn jump(&mut self, namespace: &Embedded) -> bool {
        self.clock.advance(Duration::from_hours(2));
        // A client does not upload under an id whose URL has ended.
        self.reservation = None;
        if self.sequence == 0 {
            return true;
        }
        let renew = Request::internal(Command::SessionRenew { session: SESSION });
        match namespace.submit(vec![renew], Ack::Durable).remove(0) {
            Ok(_) => true,
            Err(refusal) => {
                self.outcomes.refused.insert(refusal.code);
                assert!(!matches!(refusal.code, Code::SessionExpired), "{refusal}");
                false
            }
        }
    }

    fn step(&mut self, namespace: &Embedded) -> bool {
        if self.pending.is_some() {
            return true;
        }
        if self.sequence == 0 && !self.begin(namespace) {
            return false;
        }
        let Some(object) = self.object(namespace) else {
            return false;
        };
        let step = next(&self.model, &mut self.rng, object);
        if let Step::Store(_, object) = step {
            let bytes = content(object);
            if namespace
                .blobs()
                .put_new(object, &bytes, crc32c::crc32c(&bytes))
                .is_err()
            {
                return false;
            }
        }
        let request = self.request(command(namespace, &step));
        let ack = if self.rng.below(3) == 0 {
            Ack::Applied
        } else {
            Ack::Durable
        };
        let answer = namespace.submit(vec![request.clone()], ack).remove(0);
        self.take(step, request, answer)
    }

    /// Opens the session; asked again until it is there.
    fn begin(&mut self, namespace: &Embedded) -> bool {
        let open = Command::SessionOpen {
            session: SESSION,
            ttl_ns: SESSION_TTL_NS,
        };
        let answer = namespace
            .submit(vec![Request::internal(open)], Ack::Durable)
            .remove(0);
        let there = match &answer {
            Ok(_) => true,
            // An earlier try was executed and its answer lost.
            Err(refusal) => matches!(refusal.code, Code::Exists | Code::InUse | Code::Conflict),
        };
        if there {
            self.sequence = 1;
        } else if namespace.engine().failure().is_none() {
            panic!("{answer:?}");
        }
        there
    }

    fn request(&mut self, command: Command) -> Request {
        let id = RequestId {
            session: SESSION,
            stream: 0,
            sequence: self.sequence,
            part: 0,
        };
        self.sequence += 1;
        Request {
            id: Some(id),
            retired_below: self.sequence.saturating_sub(20),
            ..Request::internal(command)
        }
    }

    fn take(&mut self, step: Step, request: Request, answer: Answer) -> bool {
        match &answer {
            Ok(reply) => {
                if std::env::var_os("NOKV_TRACE").is_some() {
                    println!("{} {step:?}", reply.version.0);
                }
                self.model.apply(&step);
                self.outcomes.acknowledged += 1;
                self.last = Some((request, answer));
                true
            }
            Err(refusal) => {
                self.outcomes.refused.insert(refusal.code);
                match refusal.code {
                    // Not executed: the same request may come again.
                    Code::NoSpace | Code::Busy => true,
                    Code::Io | Code::OutcomeUnknown => {
                        self.pending = Some((step, request));
                        false
                    }
                    _ => panic!("{step:?}: {refusal}"),
                }
            }
        }
    }

    /// A fresh object id that may be published.
    fn object(&mut self, namespace: &Embedded) -> Option<ObjectId> {
        let reservation = match self.reservation {
            // Ids are good for an hour; scripts jump in time.
            Some((reservation, index)) if index < 4 => (reservation, index),
            _ => {
                let reserve = Request::internal(Command::ReserveObjects { seed: SEED });
                let reply = namespace.submit(vec![reserve], Ack::Durable).remove(0).ok()?;
                let Outcome::Reserved(reservation) = reply.outcome else {
                    panic!("{reply:?}")
                };
                (reservation, 0)
            }
        };
        self.reservation = Some((reservation.0, reservation.1 + 1));
        Some(ObjectId::derive(&SEED, reservation.0, reservation.1))
    }

    /// The end of a run: everything there, fsck clean, exactly the reachable objects left.
    fn prove(&mut self) {
        self.ended = true;
        self.count();
        let namespace = self.open();
        self.catch_up(&namespace);
        assert_eq!(Model::read(&namespace), self.model);
        self.age(&namespace);
        assert_eq!(Model::read(&namespace), self.model);
        let (there, wanted) = (listed(&*self.objects()), self.model.objects());
        assert!(there.is_superset(&wanted), "a reachable object was deleted");
        // A snapshot may hold what was removed and not reclaimed yet when it was made.
        for key in std::mem::take(&mut self.model.snapshots).into_keys() {
            let release = command(&namespace, &Step::Release(key));
            namespace
                .submit(vec![Request::internal(release)], Ack::Durable)
                .remove(0)
                .unwrap();
        }
        self.age(&namespace);
        self.prove_objects(&namespace);
        let report = namespace.fsck(false).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        let version: Version = namespace.version().unwrap();
        namespace.close().unwrap();
        drop(namespace);
        let again = self.open();
        assert!(again.version().unwrap() >= version);
        assert_eq!(Model::read(&again), self.model);
    }
}

impl Run {
    fn age(&self, namespace: &Embedded) {
        age(namespace, &self.clock);
    }

    fn prove_objects(&self, namespace: &Embedded) {
        let (there, wanted) = (listed(&*self.objects()), self.model.objects());
        if let Some(object) = there.symmetric_difference(&wanted).next() {
            let known = namespace.gc_explain(*object).unwrap();
            panic!(
                "stored {}, wanted {}: {known:?}",
                there.contains(object),
                wanted.contains(object)
            );
        }
    }
}

/// Past the window, the grace and the second sweep of a reservation.
pub(crate) fn age(namespace: &Embedded, clock: &TestClock) {
    for _ in 0..4 {
        clock.advance(Duration::from_hours(30));
        namespace.checkpoint().unwrap();
        let options = GcOptions {
            ignore_grace: true,
            ..GcOptions::default()
        };
        namespace.gc(&options).unwrap();
    }
}

/// In memory where there is such a place: the death of a process loses nothing of either, and syncs cost nothing.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// The bodies in an object store.
pub(crate) fn listed(objects: &dyn ObjectStore) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    let mut after = None;
    loop {
        let page = objects.list(layout::DATA_PREFIX, after.as_ref(), 1000).unwrap();
        found.extend(
            page.iter()
                .filter_map(|item| layout::parse_data(&item.key).map(ObjectId)),
        );
        match page.last() {
            Some(last) => after = Some(last.key.clone()),
            None => return found,
        }
    }
}
