//! The process dies at every failpoint, at seeded hits, and the next start finds an exact prefix.

use crate::rng::{Rng, seeds};
use crate::workload::{Running, World};
use nokv_journal::failpoints::FAILPOINTS;
use nokv_journal::{Disk, Error, Result};
use nokv_testkit::evidence::Evidence;
use nokv_types::failpoint::{self, Action};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Seeds for each point in CI.
const SEEDS: u64 = 1;
/// Seeds for each point and each kind of error in CI.
const ERROR_SEEDS: u64 = 1;
const STEPS: u64 = 120;

/// How often each point fired, over the whole run.
type Fired = BTreeMap<&'static str, u64>;

/// What a run did.
#[derive(Debug, Default)]
struct Done {
    fired: Fired,
    /// Batches that were durable when a life ended, and were looked for in the next.
    acknowledged: u64,
}

impl Done {
    fn count(&mut self, world: &World) {
        for (name, report) in failpoint::report() {
            *self.fired.entry(name).or_default() += report.fired;
        }
        self.acknowledged += world.durable_seq;
    }

    fn fired(&self) -> u64 {
        self.fired.values().sum()
    }
}

fn evidence(ring: &str, count: u64, (fired, acknowledged): (u64, u64)) {
    let used = seeds(count);
    let range = format!("NOKV_SEED from {} to {}", used[0], used[used.len() - 1]);
    Evidence {
        ring,
        seeds: &range,
        injected: (fired, "failpoints fired"),
        acknowledged: (acknowledged, "durable batches looked for"),
    }
    .print();
}

/// One life with the point armed; `Ok` when it never fired or the error was survived.
fn life(world: &mut World, steps: u64) -> Result<()> {
    let mut running = world.start_checked()?;
    world.live(&mut running, steps)?;
    running.recovered.log.close()
}

/// What is wrong with the state directory before the start in which the point is armed.
#[derive(Debug, Clone, Copy)]
enum Before {
    NoDirectory,
    Nothing,
    TornTail,
    BadFrames,
    BadLogBehindFrames,
    DamagedEvents,
    TornEvents,
    Leftovers,
    HalfReplacedLog,
}

fn spoil(world: &mut World, what: Before) {
    let dir = Path::new("/state");
    match what {
        Before::NoDirectory | Before::Nothing => {}
        Before::TornTail => crate::torn::tear(world),
        Before::BadFrames => world
            .disk
            .damage(&dir.join("frames/model"), |bytes| bytes[9] ^= 1),
        Before::BadLogBehindFrames => {
            // The last segment is in the published frames; its bytes in the log are not what they were.
            crate::log_damage::flip_last_segment(world);
        }
        Before::DamagedEvents => {
            if let Some(first) = event_files(world).first() {
                world.disk.damage(first, |bytes| bytes[20] ^= 1);
            }
        }
        Before::TornEvents => {
            if let Some(last) = event_files(world).last() {
                world
                    .disk
                    .damage(last, |bytes| bytes.extend_from_slice(b"half a rec"));
            }
        }
        Before::Leftovers => {
            world
                .disk
                .create(&dir.join("log/00000000000000ff.log.tmp"))
                .unwrap();
        }
        Before::HalfReplacedLog => {
            crate::log_damage::flip_last_segment(world);
            failpoint::isolate();
            failpoint::arm("journal.quarantine.rename", 1, Action::Crash);
            assert!(failpoint::is_crash(&world.start().unwrap_err()));
            failpoint::disarm();
            world.disk.kill();
        }
    }
}

fn event_files(world: &World) -> Vec<PathBuf> {
    let dir = Path::new("/state/events");
    world
        .disk
        .list(dir)
        .unwrap()
        .iter()
        .map(|name| dir.join(name))
        .collect()
}

const BEFORES: [Before; 9] = [
    Before::NoDirectory,
    Before::Nothing,
    Before::TornTail,
    Before::BadFrames,
    Before::BadLogBehindFrames,
    Before::DamagedEvents,
    Before::TornEvents,
    Before::Leftovers,
    Before::HalfReplacedLog,
];

/// Prepares a world with some history, every batch of it durable and published.
fn prepared(seed: u64, what: Before) -> World {
    failpoint::isolate();
    let mut world = World::new(seed);
    if matches!(what, Before::NoDirectory) {
        return world;
    }
    let mut running = world.start_checked().unwrap();
    world.live(&mut running, STEPS).unwrap();
    world.append(&mut running).unwrap();
    world.publish(&mut running).unwrap();
    drop(running);
    world.disk.kill();
    spoil(&mut world, what);
    world
}

/// Dies at hit `k` of `name`, by the process or with the power, and starts again until it lives.
fn die_and_recover(mut world: World, name: &'static str, k: u64, action: Action, done: &mut Done) {
    let mut rng = Rng::new(world.rng.next());
    for round in 0..4 {
        failpoint::isolate();
        if round == 0 {
            failpoint::arm(name, k, action);
        }
        let outcome = life(&mut world, STEPS);
        done.count(&world);
        failpoint::disarm();
        if rng.chance(50) {
            world.disk.kill();
        } else {
            world.disk.cut_power(&mut rng);
        }
        match outcome {
            Ok(()) => {}
            Err(error) => assert!(round == 0, "after {name}@{k} {action:?}, round {round}: {error}"),
        }
    }
}

/// How often a life without faults passes each point.
fn passes(seed: u64, what: Before) -> Fired {
    let mut world = prepared(seed, what);
    failpoint::isolate();
    life(&mut world, STEPS).unwrap();
    failpoint::report()
        .into_iter()
        .map(|(name, report)| (name, report.hits))
        .collect()
}

fn run(action: Action, count: u64) -> Done {
    let mut done = Done::default();
    for seed in seeds(count) {
        let passes: Vec<(Before, Fired)> = BEFORES.iter().map(|what| (*what, passes(seed, *what))).collect();
        for name in FAILPOINTS {
            let passed: Vec<_> = passes
                .iter()
                .filter(|(_, hits)| hits.contains_key(name))
                .collect();
            let Some((what, hits)) = passed.get(seed as usize % passed.len().max(1)) else {
                continue;
            };
            let k = failpoint::seeded(seed, name, hits[name]);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                die_and_recover(prepared(seed, *what), name, k, action, &mut done);
            }));
            if let Err(cause) = outcome {
                eprintln!("NOKV_SEED={seed} fails at {name}@{k} {action:?} after {what:?}");
                std::panic::resume_unwind(cause);
            }
        }
    }
    done
}

#[test]
fn dying_at_any_failpoint_loses_nothing_durable() {
    let done = run(Action::Crash, SEEDS);
    for name in FAILPOINTS {
        let times = done.fired.get(name).copied().unwrap_or(0);
        eprintln!("{times:6}  {name}");
        assert!(needs_a_fault_of_its_own(name) || times > 0, "{name} never fired");
    }
    evidence("journal", SEEDS, (done.fired(), done.acknowledged));
}

/// Points that a run without other faults does not pass: they have tests of their own.
fn needs_a_fault_of_its_own(name: &str) -> bool {
    [
        "journal.append.undo",
        "journal.checkpoint.unlist",
        "journal.identity.put",
    ]
    .contains(&name)
}

#[test]
fn a_refused_write_or_fsync_at_any_failpoint_loses_nothing_durable() {
    let mut sum = (0, 0);
    for action in [Action::Eio, Action::Enospc, Action::Short] {
        let done = run(action, ERROR_SEEDS);
        assert!(done.fired() > 40, "{action:?} hardly ever fired");
        sum = (sum.0 + done.fired(), sum.1 + done.acknowledged);
    }
    evidence("errors", ERROR_SEEDS, sum);
}

#[test]
fn the_undo_of_a_refused_append_may_die_too() {
    for seed in seeds(SEEDS) {
        let mut world = prepared(seed, Before::Nothing);
        failpoint::isolate();
        let mut running: Running = world.start_checked().unwrap();
        world.sync(&running.recovered.log).unwrap();
        failpoint::arm("journal.append.write", 1, Action::Enospc);
        failpoint::arm("journal.append.undo", 1, Action::Crash);
        let error: Error = world.append(&mut running).unwrap_err();
        assert!(failpoint::is_crash(&error), "seed {seed}: {error}");
        failpoint::disarm();
        drop(running);
        world.disk.kill();
        world.start_checked().unwrap();
    }
}
