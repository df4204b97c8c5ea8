//! Every failpoint of every crate, killed at a seeded hit: an exact prefix with everything that was answered.

use crate::points;
use crate::ring::{Fault, Run};
use crate::rng::{seed, size};
use nokv_types::failpoint::{Action, seeded};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Steps of one script.
const STEPS: u32 = 80;
/// Runs side by side: each waits for its files most of the time.
const THREADS: usize = 8;
/// Scripts that are tried for a point that the first one does not reach.
const SCRIPTS_MAX: u64 = 16;

#[test]
fn a_script_without_faults_ends_as_its_model() {
    let seed = seed("NOKV_SCRIPT_SEED");
    println!("seed {seed}");
    let outcomes = Run::all(seed, 3 * STEPS, None);
    assert!(outcomes.acknowledged > 50, "{outcomes:?}");
}

#[test]
fn a_crash_at_every_failpoint_loses_nothing_that_was_answered() {
    let base = seed("NOKV_CRASH_SEED");
    let seeds = size("NOKV_CRASH_SEEDS", 1);
    println!("seed {base}, {seeds} per point");
    let profiles = Profiles::of(base);
    let table = Mutex::new(BTreeMap::new());
    let work = Mutex::new(points::all().iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next().copied();
                    let Some(point) = next else { break };
                    let row = crash_at(point, &profiles, seeds as usize);
                    table.lock().unwrap().insert(point, row);
                }
            });
        }
    });
    let mut table = table.into_inner().unwrap();
    for (point, row) in crate::twice::all() {
        table.insert(point, row);
    }
    println!(
        "{:40} {:>8} {:>8} {:>12}",
        "failpoint", "hits", "fired", "acknowledged"
    );
    for (point, (hits, fired, acknowledged)) in &table {
        println!("{point:40} {hits:>8} {fired:>8} {acknowledged:>12}");
    }
    let silent: Vec<_> = table
        .iter()
        .filter(|(_, (_, fired, _))| *fired == 0)
        .map(|(point, _)| point)
        .collect();
    assert!(silent.is_empty(), "never fired: {silent:?}");
    assert!(table.len() >= 60, "{} failpoints", table.len());
}

/// Hits, faults that fired and acknowledged commands of the runs that die at a point.
fn crash_at(point: &'static str, profiles: &Profiles, seeds: usize) -> (u64, u64, u64) {
    let mut row = (0, 0, 0);
    for script in profiles.reaching(point).take(seeds) {
        let k = seeded(script, point, profiles.hits(script, point));
        let fault = Fault {
            point,
            k,
            action: Action::Crash,
        };
        println!("{point} hit {k} of script {script}");
        let outcomes = Run::all(script, STEPS, Some(fault));
        let seen = outcomes.hits.get(point).copied().unwrap_or_default();
        row = (
            row.0 + seen.hits,
            row.1 + seen.fired,
            row.2 + outcomes.acknowledged,
        );
    }
    row
}

/// Which scripts reach which points, and how often.
struct Profiles {
    by_script: BTreeMap<u64, BTreeMap<&'static str, u64>>,
}

impl Profiles {
    /// Runs scripts without faults until every point was met, or enough were tried.
    fn of(base: u64) -> Self {
        let wanted = size("NOKV_CRASH_SEEDS", 1);
        let mut profiles = Self {
            by_script: BTreeMap::new(),
        };
        let wanted = wanted.max(SCRIPTS_MAX);
        let scripts = Mutex::new((0..wanted).map(|i| base.wrapping_add(i * 7919)));
        let found = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let next = scripts.lock().unwrap().next();
                        let Some(script) = next else { break };
                        let hits = Run::all(script, STEPS, None).hits;
                        let counts = hits.into_iter().map(|(point, seen)| (point, seen.hits)).collect();
                        found.lock().unwrap().insert(script, counts);
                    }
                });
            }
        });
        profiles.by_script = found.into_inner().unwrap();
        profiles
    }

    fn reaching<'a>(&'a self, point: &'a str) -> impl Iterator<Item = u64> + 'a {
        self.by_script
            .iter()
            .filter(move |(_, hits)| hits.get(point).is_some_and(|hits| *hits > 0))
            .map(|(script, _)| *script)
    }

    fn hits(&self, script: u64, point: &str) -> u64 {
        self.by_script[&script].get(point).copied().unwrap_or(1)
    }
}
