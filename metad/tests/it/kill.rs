//! Processes killed under load at a random moment: whatever they were answered is there.

use crate::clock::TestClock;
use crate::load;
use crate::ring;
use crate::rng::{Rng, seed, size};
use crate::wait;
use crate::world::{HEAD, small_limits};
use nokv_client::{GcOptions, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
use nokv_object::dir::DirStore;
use nokv_testkit::child::Killable;
use nokv_testkit::evidence::Evidence;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DATA: &str = "NOKV_KILL_DIR";
/// Requests of a caller that is not killed.
const COUNT: u64 = 12;

pub(crate) fn options(dir: &Path) -> Options {
    Options {
        limits: Limits {
            redo_bytes: 256 << 10,
            checkpoint_bytes: 512 << 10,
            ..small_limits()
        },
        ..Options::new(Arc::new(DirStore::open(&dir.join("objects")).unwrap()))
    }
}

/// The load, for ever in a child that is to be killed, else for a while and proven.
#[test]
fn a_load_finds_everything_that_it_noted() {
    let scratch = tempfile::tempdir().unwrap();
    let given = std::env::var_os(DATA);
    let dir = given.as_ref().map_or(scratch.path(), Path::new);
    let namespace = open_or_create(dir);
    let count = if given.is_some() { u64::MAX } else { COUNT };
    std::thread::scope(|scope| {
        for caller in 0..load::CALLERS {
            let namespace = &namespace;
            scope.spawn(move || load::run(namespace, dir, caller, count));
        }
    });
    assert!(
        namespace.engine().failure().is_none(),
        "{:?}",
        namespace.engine().failure()
    );
    let (noted, gone) = load::prove(&namespace, dir, false);
    assert_eq!((noted, gone), (COUNT * u64::from(load::CALLERS), 0));
    namespace.close().unwrap();
}

fn open_or_create(dir: &Path) -> Embedded {
    let data = dir.join("data");
    match Embedded::open(&data, options(dir)) {
        Err(error) if error.kind == nokv_metad::ErrorKind::Missing => {
            Embedded::create(&data, options(dir)).unwrap()
        }
        opened => opened.unwrap(),
    }
}

/// Kills of one workspace; then a fresh one, so that it does not only grow.
const LIFE: u64 = 20;
/// The objects are compared after every so many kills: it ages the workspace, and the others meet it unaged.
const EXACT_EVERY: u64 = 5;

#[test]
fn a_killed_process_loses_nothing_that_it_was_answered() {
    let seed = seed("NOKV_KILL_SEED");
    let kills = size("NOKV_KILLS", 20);
    println!("seed {seed}, {kills} kills");
    let mut rng = Rng::new(seed);
    let mut acknowledged = 0;
    for first in (0..kills).step_by(LIFE as usize) {
        acknowledged += life(first..kills.min(first + LIFE), &mut rng);
    }
    let seeds = format!("NOKV_KILL_SEED={seed} NOKV_KILLS={kills}");
    Evidence {
        ring: "kills",
        seeds: &seeds,
        injected: (kills, "SIGKILLs"),
        acknowledged: (acknowledged, "noted requests of 16 files"),
    }
    .print();
}

/// Some kills of one workspace; answers how many requests were noted.
fn life(kills: std::ops::Range<u64>, rng: &mut Rng) -> u64 {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    open_or_create(dir).close().unwrap();
    let mut noted = 0;
    for kill in kills.clone() {
        // Killed after some more answers, at whatever it does then.
        let until = noted + 1 + rng.below(60) as u64;
        let mut child =
            Killable::test("kill::a_load_finds_everything_that_it_noted", &[(DATA, dir)]).unwrap();
        wait_for(dir, until, &mut child);
        wait_for_change(dir, rng);
        child.kill().unwrap();
        let namespace = open_or_create(dir);
        let (now, gone) = load::prove(&namespace, dir, false);
        assert!(now > noted && gone == 0, "kill {kill}: nothing was answered");
        println!(
            "kill {kill}: {now} noted, {:?}",
            namespace.engine().recovered().verdict
        );
        noted = now;
        prove_clean(&namespace);
        drop(namespace);
        if kill % EXACT_EVERY == EXACT_EVERY - 1 || kill + 1 == kills.end {
            prove_exact(&dir.join("data"), options(dir), kill);
        }
    }
    noted
}

fn wait_for(dir: &Path, until: u64, child: &mut Killable) {
    let answered = wait::until(wait::LONG, || {
        let now: u64 = (0..load::CALLERS)
            .map(|caller| load::notes(dir, caller).len() as u64)
            .sum();
        assert!(!child.has_ended().unwrap(), "the child ended by itself");
        now >= until
    });
    assert!(answered, "the child gets nothing answered");
}

/// Longest wait for a change of one kind: some are rare.
const CHANGE_WITHIN: Duration = Duration::from_millis(100);

/// Waits for the next write of one kind, so that the kill does not always come right after an answer.
fn wait_for_change(dir: &Path, rng: &mut Rng) {
    let places = [
        "",
        "data/log",
        "data/frames",
        "data/events",
        "objects/tmp",
        "caller1",
    ];
    let Some(place) = rng.pick(&places).filter(|place| !place.is_empty()) else {
        return;
    };
    let place = dir.join(place);
    let before = newest(&place);
    wait::until(CHANGE_WITHIN, || newest(&place) != before);
}

/// When a file, or anything in a folder, was changed last.
fn newest(place: &Path) -> Option<std::time::SystemTime> {
    let changed = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let below = std::fs::read_dir(place).into_iter().flatten();
    below
        .filter_map(|entry| changed(&entry.ok()?.path()))
        .chain(changed(place))
        .max()
}

/// Every row agrees with the others, and every body is there.
pub(crate) fn prove_clean(namespace: &Embedded) {
    namespace.gc(&GcOptions::default()).unwrap();
    let report = namespace.fsck(false).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.objects > 0, "the load stored no body");
    namespace.getattr(HEAD, nokv_types::Ino::ROOT).unwrap();
}

/// After every grace is over and everything is collected, the objects are those of the files, no more and no less.
/// `turn` grows with each call for one workspace: its time does not go back.
pub(crate) fn prove_exact(data: &Path, options: Options, turn: u64) {
    let clock = Arc::new(TestClock::ahead(Duration::from_hours(200 * (turn + 1))));
    let clocks: Arc<dyn nokv_metad::Clocks> = Arc::clone(&clock) as _;
    let options = Options {
        clocks,
        workers: false,
        ..options
    };
    let objects = Arc::clone(&options.objects);
    let namespace = Embedded::open(data, options).unwrap();
    let before = load::objects(&namespace);
    ring::age(&namespace, &clock);
    let wanted = load::objects(&namespace);
    assert_eq!(before, wanted, "collecting changed a file");
    assert!(!wanted.is_empty());
    let there = ring::listed(&*objects);
    if let Some(object) = there.symmetric_difference(&wanted).next() {
        let known = namespace.gc_explain(*object).unwrap();
        panic!(
            "{object:?}: stored {}, wanted {}: {known:?}",
            there.contains(object),
            wanted.contains(object)
        );
    }
    let report = namespace.fsck(false).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    namespace.close().unwrap();
}
