//! Processes killed under load at a random moment: whatever they were answered is there.

use crate::load;
use crate::rng::{Rng, seed, size};
use crate::world::{HEAD, small_limits};
use nokv_client::{GcOptions, Namespace as _};
use nokv_metad::{Embedded, Limits, Options};
use nokv_object::dir::DirStore;
use nokv_testkit::child::Killable;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DATA: &str = "NOKV_KILL_DIR";
/// Requests of a caller that is not killed.
const COUNT: u64 = 12;
/// Longest wait for a child to get something answered.
const LOOKS_MAX: u32 = 60_000;

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

#[test]
fn a_killed_process_loses_nothing_that_it_was_answered() {
    let seed = seed("NOKV_KILL_SEED");
    let kills = size("NOKV_KILLS", 20);
    println!("seed {seed}, {kills} kills");
    let mut rng = Rng::new(seed);
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    open_or_create(dir).close().unwrap();
    let mut noted = 0;
    for kill in 0..kills {
        // Killed after some more answers, at whatever it does then.
        let until = noted + 1 + rng.below(60) as u64;
        let mut child =
            Killable::test("kill::a_load_finds_everything_that_it_noted", &[(DATA, dir)]).unwrap();
        wait_for(dir, until, &mut child);
        let moment = Duration::from_micros(rng.below(20_000) as u64);
        std::thread::sleep(moment);
        child.kill().unwrap();
        let namespace = open_or_create(dir);
        let (now, gone) = load::prove(&namespace, dir, false);
        assert!(now > noted && gone == 0, "kill {kill}: nothing was answered");
        println!(
            "kill {kill}: {now} noted, {:?}",
            namespace.engine().recovered().verdict
        );
        noted = now;
        if kill + 1 == kills {
            prove_clean(&namespace, dir);
        }
        drop(namespace);
    }
}

fn wait_for(dir: &Path, until: u64, child: &mut Killable) {
    for _ in 0..LOOKS_MAX {
        let now: u64 = (0..load::CALLERS)
            .map(|caller| load::notes(dir, caller).len() as u64)
            .sum();
        if now >= until {
            return;
        }
        assert!(!child.has_ended().unwrap(), "the child ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the child gets nothing answered");
}

/// Every row agrees with the others, and every body is there.
pub(crate) fn prove_clean(namespace: &Embedded, _dir: &Path) {
    namespace
        .gc(&GcOptions {
            ignore_grace: true,
            ..GcOptions::default()
        })
        .unwrap();
    let report = namespace.fsck(false).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.objects > 0, "the load stored no body");
    namespace.getattr(HEAD, nokv_types::Ino::ROOT).unwrap();
}
