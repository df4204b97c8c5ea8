//! A flipped bit or a truncation anywhere in any file of a workspace: detected, never a wrong answer, never a panic;
//! rebuilt by the next start where something else still holds it, else a typed loss that names the versions.

use crate::clock::TestClock;
use crate::model::Model;
use crate::ring::scratch;
use crate::rng::{Rng, seed, size};
use crate::script::content;
use crate::spoiled::{self, Kind, Spot};
use crate::world::small_limits;
use nokv_client::{EventQuery, Namespace as _};
use nokv_metad::{Embedded, ErrorKind, Limits, Options};
use nokv_object::dir::DirStore;
use nokv_testkit::evidence::Evidence;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Positions of each kind in CI; full runs take a multiple.
const POSITIONS: u64 = 14;
/// Positions side by side.
const THREADS: usize = 8;

pub(crate) fn options(dir: &Path) -> Options {
    let clock: Arc<dyn nokv_metad::Clocks> = Arc::new(TestClock::new());
    Options {
        limits: Limits {
            log_file_bytes: 16 << 10,
            log_reserve_bytes: 64 << 10,
            log_bytes: 4 << 20,
            event_file_bytes: 4 << 10,
            ..small_limits()
        },
        clocks: clock,
        fatal: Arc::new(|_| ()),
        workers: false,
        ..Options::new(Arc::new(DirStore::open(&dir.join("objects")).unwrap()))
    }
}

/// What one damage led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// Nothing that is used was hit, or something else held it: everything is there.
    Whole,
    /// A part was made again from what else there is: everything is there.
    Rebuilt,
    /// A typed loss that names the versions.
    Loss,
    /// Refused by name.
    Refused,
    /// The body does not read, or not as its digest says.
    BodyRefused,
}

#[test]
fn any_damage_to_any_file_is_detected_and_what_can_be_rebuilt_is() {
    let seed = seed("NOKV_DAMAGE_SEED");
    let times = size("NOKV_DAMAGE_TIMES", 1);
    println!("seed {seed}, {times} times {POSITIONS} positions of each kind");
    let home = scratch();
    let mut cases = Vec::new();
    let mut worlds = Vec::new();
    for clean in [true, false] {
        let dir = home.path().join(format!("clean-{clean}"));
        worlds.push(spoiled::build(&dir, seed, clean));
        let mut rng = Rng::new(seed ^ u64::from(clean));
        let spots = spoiled::spots(&dir, &mut rng, POSITIONS * times);
        cases.extend(spots.into_iter().map(|spot| (worlds.len() - 1, spot)));
    }
    let (table, acknowledged) = (Mutex::new(BTreeMap::new()), AtomicU64::new(0));
    let work = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next();
                    let Some((world, spot)) = next else { break };
                    let world = &worlds[*world];
                    let ending = named(spot, || suffer(world, spot));
                    acknowledged.fetch_add(world.acknowledged, Ordering::Relaxed);
                    *table.lock().unwrap().entry((spot.kind, ending)).or_insert(0_u64) += 1;
                }
            });
        }
    });
    let table = table.into_inner().unwrap();
    judge(&table);
    let seeds = format!("NOKV_DAMAGE_SEED={seed} NOKV_DAMAGE_TIMES={times}");
    Evidence {
        ring: "corruption",
        seeds: &seeds,
        injected: (cases.len() as u64, "damaged positions of 11 kinds of file"),
        acknowledged: (
            acknowledged.into_inner(),
            "durable commands held against the outcome",
        ),
    }
    .print_with(&told(&table));
}

/// How damage of each kind ended.
fn told(table: &BTreeMap<(Kind, Ending), u64>) -> Vec<(String, String)> {
    let row = |((kind, ending), count): (&(Kind, Ending), &u64)| {
        (format!("{kind:?} {ending:?}"), count.to_string())
    };
    table.iter().map(row).collect()
}

/// Runs it; when it fails, says where.
fn named<T>(spot: &Spot, run: impl FnOnce() -> T) -> T {
    struct Where<'a>(&'a Spot);
    impl Drop for Where<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("damage: {:?}", self.0);
            }
        }
    }
    let _where = Where(spot);
    run()
}

/// Every kind was hit, and damage of every kind was noticed.
fn judge(table: &BTreeMap<(Kind, Ending), u64>) {
    for ((kind, ending), count) in table {
        println!("{kind:?} {ending:?} {count}");
    }
    let of = |wanted: Kind| -> BTreeSet<Ending> {
        table
            .keys()
            .filter(|(kind, _)| *kind == wanted)
            .map(|(_, ending)| *ending)
            .collect()
    };
    for kind in Kind::ALL {
        assert!(!of(kind).is_empty(), "{kind:?} was never damaged");
    }
    for kind in [Kind::Manifest, Kind::Frames] {
        assert!(of(kind).contains(&Ending::Rebuilt), "{kind:?} was never rebuilt");
    }
    assert!(
        of(Kind::Log).contains(&Ending::Loss),
        "the log never lost anything"
    );
    assert!(of(Kind::Body).contains(&Ending::BodyRefused));
    assert!(of(Kind::Workspace).contains(&Ending::Refused));
    // What is only needed when the frames are gone does not stand in the way of a start; a loss is the log's.
    for (kind, ending) in table.keys() {
        let may_refuse = matches!(kind, Kind::Workspace | Kind::Identity);
        assert!(may_refuse || *ending != Ending::Refused, "{kind:?} {ending:?}");
        assert!(
            *kind == Kind::Log || *ending != Ending::Loss,
            "{kind:?} {ending:?}"
        );
    }
}

/// Damages a copy, starts it and compares what it says.
fn suffer(world: &spoiled::World, spot: &Spot) -> Ending {
    let copy = scratch();
    let dir = copy.path();
    spoiled::copy(&world.dir, dir);
    spot.inflict(dir);
    if spot.kind == Kind::Body {
        return body(world, dir, spot);
    }
    let namespace = match Embedded::open(&dir.join("data"), options(dir)) {
        Ok(namespace) => namespace,
        Err(error) => return refusal(world, dir, spot, &error),
    };
    assert_eq!(Model::read(&namespace), world.model, "a wrong answer");
    events(&namespace, world, spot);
    let report = namespace.fsck(false).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let verdict = format!("{:?}", namespace.engine().recovered().verdict);
    if verdict.starts_with("Rebuilt") {
        namespace.close().unwrap();
        drop(namespace);
        let again = Embedded::open(&dir.join("data"), options(dir)).unwrap();
        assert!(again.engine().recovered().is_clean(), "rebuilt twice");
        assert_eq!(Model::read(&again), world.model);
        return Ending::Rebuilt;
    }
    Ending::Whole
}

/// A start that is refused changes nothing and names what is wrong.
fn refusal(world: &spoiled::World, dir: &Path, spot: &Spot, error: &nokv_metad::Error) -> Ending {
    if error.kind != ErrorKind::Loss {
        let named = matches!(
            error.kind,
            ErrorKind::Corrupt | ErrorKind::TooNew | ErrorKind::WrongWorkspace | ErrorKind::Missing
        );
        assert!(named && !error.subject.is_empty(), "{spot:?}: {error} {error:?}");
        return Ending::Refused;
    }
    assert!(error.to_string().contains("version"), "{error}");
    let accepting = Options {
        accept_loss: true,
        ..options(dir)
    };
    let namespace = Embedded::open(&dir.join("data"), accepting).unwrap();
    let version = namespace.version().unwrap();
    let found = Model::read(&namespace);
    let then = world.at(version);
    assert_eq!(found, *then, "not the state of version {version:?}");
    Ending::Loss
}

/// Events that are answered are those that there were, without a gap up to the end.
fn events(namespace: &Embedded, world: &spoiled::World, spot: &Spot) {
    let query = EventQuery {
        limit: 100_000,
        ..EventQuery::default()
    };
    match namespace.events(&query) {
        Ok(page) => {
            let found: Vec<_> = page.events.iter().map(|event| event.event.clone()).collect();
            assert!(world.events.ends_with(&found), "{spot:?}: wrong events");
        }
        Err(error) => {
            let code = error.code();
            assert_eq!(code, Some(nokv_types::Code::Corrupt), "{spot:?}: {error}");
        }
    }
}

/// A body is read as everybody does: it is what its digest says, or it is refused.
fn body(world: &spoiled::World, dir: &Path, spot: &Spot) -> Ending {
    let namespace = Embedded::open(&dir.join("data"), options(dir)).unwrap();
    let mut refused = 0;
    for slice in &world.slices {
        let got = namespace
            .blobs()
            .get(slice.object, slice.stored_offset, slice.stored_len);
        match got {
            Ok(bytes) if slice.digest.matches(&bytes) => {
                assert!(bytes == content(slice.object), "{spot:?}: a wrong body");
            }
            _ => refused += 1,
        }
    }
    assert!(refused <= 1, "{spot:?}: {refused} bodies are refused");
    if refused == 1 {
        Ending::BodyRefused
    } else {
        Ending::Whole
    }
}
