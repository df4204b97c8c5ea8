//! Every failpoint of every crate, killed at a seeded hit: an exact prefix with everything that was answered.

use crate::points;
use crate::ring::{Fault, Run};
use crate::rng::{seed, size};
use nokv_testkit::evidence::Evidence;
use nokv_types::failpoint::{Action, seeded};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Steps of one script.
const STEPS: u32 = 80;
/// Runs side by side: each waits most of the time, for the pauses between two drains of its frames.
const THREADS: usize = 24;
/// Scripts that are looked at in CI for points that the first one does not reach.
const SCRIPTS: u64 = 16;
/// How often as many scripts are looked at again for points that none of them reached.
const ROUNDS_MAX: u64 = 4;
/// Scripts that are looked at for each wanted seed; after that those that reach a rare point die at other hits.
const SCRIPTS_PER_SEED: u64 = 10;

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
    // Second deaths first: what they reach no script has to.
    let mut table = BTreeMap::new();
    for seed in 0..seeds {
        for (point, (hits, fired, acknowledged)) in crate::twice::all(base.wrapping_add(seed)) {
            let row = table.entry(point).or_insert((0, 0, 0));
            *row = (row.0 + hits, row.1 + fired, row.2 + acknowledged);
        }
    }
    let profiles = Profiles::of(base, seeds, &table.keys().copied().collect());
    let table = Mutex::new(table);
    let work = Mutex::new(points::all().iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next().copied();
                    let Some(point) = next else { break };
                    let row = crash_at(point, &profiles, seeds as usize);
                    let mut table = table.lock().unwrap();
                    let sum: &mut Row = table.entry(point).or_insert((0, 0, 0));
                    *sum = (sum.0 + row.0, sum.1 + row.1, sum.2 + row.2);
                }
            });
        }
    });
    let table = table.into_inner().unwrap();
    println!(
        "{:40} {:>8} {:>8} {:>12}",
        "failpoint", "hits", "fired", "acknowledged"
    );
    for (point, (hits, fired, acknowledged)) in &table {
        println!("{point:40} {hits:>8} {fired:>8} {acknowledged:>12}");
    }
    let rare: Vec<_> = table
        .iter()
        .filter(|(_, (_, fired, _))| *fired < seeds)
        .map(|(point, (_, fired, _))| (point, fired))
        .collect();
    assert!(rare.is_empty(), "fired less than {seeds} times: {rare:?}");
    assert!(table.len() >= 60, "{} failpoints", table.len());
    let sum = |of: fn(&Row) -> u64| table.values().map(of).sum::<u64>();
    Evidence {
        ring: "failpoints",
        seeds: &format!("NOKV_CRASH_SEED={base} NOKV_CRASH_SEEDS={seeds}"),
        injected: (sum(|row| row.1), &format!("deaths at {} failpoints", table.len())),
        acknowledged: (sum(|row| row.2), "commands"),
    }
    .print_with(&told(&table));
}

/// The row of every failpoint.
fn told(table: &BTreeMap<&'static str, Row>) -> Vec<(String, String)> {
    let row = |(point, (hits, fired, acknowledged)): (&&str, &Row)| {
        let text = format!("{hits} hits, {fired} fired, {acknowledged} acknowledged");
        ((*point).to_owned(), text)
    };
    table.iter().map(row).collect()
}

/// Runs for one death at most: whether a point of a background thread is reached again also depends on when it comes.
const TURNS_PER_SEED: usize = 5;

/// Hits, faults that fired, acknowledged commands.
type Row = (u64, u64, u64);

/// Hits, faults that fired and acknowledged commands of the runs that die at a point.
fn crash_at(point: &'static str, profiles: &Profiles, seeds: usize) -> Row {
    let mut row = (0, 0, 0);
    let reaching: Vec<u64> = profiles.reaching(point).collect();
    let turns = reaching.iter().cycle().take(seeds * TURNS_PER_SEED);
    for (turn, &script) in turns.enumerate() {
        if row.1 >= seeds as u64 {
            break;
        }
        // Another hit of the same script when there are not enough.
        let again = (turn / reaching.len()) as u64;
        let hits = profiles.hits(script, point);
        let k = 1 + (seeded(script, point, hits) - 1 + again) % hits;
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
    /// Runs scripts without faults, more of them until every point is reached that is not `reached` already.
    fn of(base: u64, seeds: u64, reached: &BTreeSet<&'static str>) -> Self {
        let wanted = SCRIPTS.max(if seeds > 1 { seeds * SCRIPTS_PER_SEED } else { 0 });
        let mut this = Self {
            by_script: BTreeMap::new(),
        };
        for round in 0..ROUNDS_MAX {
            this.run((round * wanted..(round + 1) * wanted).map(|i| base.wrapping_add(i * 7919)));
            let is_there = |point: &&str| reached.contains(point) || this.reaching(point).next().is_some();
            if points::all().iter().all(is_there) {
                break;
            }
        }
        this
    }

    fn run(&mut self, scripts: impl Iterator<Item = u64> + Send) {
        let scripts = Mutex::new(scripts);
        let found = Mutex::new(&mut self.by_script);
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
