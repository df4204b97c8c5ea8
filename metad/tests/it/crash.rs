//! Every failpoint of every crate, killed at a seeded hit: an exact prefix with everything that was answered.

use crate::points;
use crate::ring::{Fault, Run};
use crate::rng::{seed, size};
use nokv_types::failpoint::{Action, seeded};
use std::collections::BTreeMap;

/// Steps of one script.
const STEPS: u32 = 80;
/// Scripts that are tried for a point that the first one does not reach.
const SCRIPTS_MAX: u64 = 24;

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
    let mut table = BTreeMap::new();
    for point in points::all() {
        let (mut hits, mut fired, mut acknowledged) = (0, 0, 0);
        for script in profiles.reaching(point).take(seeds as usize) {
            let k = seeded(script, point, profiles.hits(script, point));
            let fault = Fault {
                point,
                k,
                action: Action::Crash,
            };
            println!("{point} hit {k} of script {script}");
            let outcomes = Run::all(script, STEPS, Some(fault));
            let seen = outcomes.hits.get(point).copied().unwrap_or_default();
            hits += seen.hits;
            fired += seen.fired;
            acknowledged += outcomes.acknowledged;
        }
        table.insert(point, (hits, fired, acknowledged));
    }
    println!("{:40} {:>8} {:>8} {:>12}", "failpoint", "hits", "fired", "acknowledged");
    for (point, (hits, fired, acknowledged)) in &table {
        println!("{point:40} {hits:>8} {fired:>8} {acknowledged:>12}");
    }
    let silent: Vec<_> = table.iter().filter(|(_, (_, fired, _))| *fired == 0).map(|(point, _)| point).collect();
    assert!(silent.is_empty(), "never fired: {silent:?}");
    assert!(table.len() >= 60, "{} failpoints", table.len());
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
        for script in (0..SCRIPTS_MAX.max(4 * wanted)).map(|i| base.wrapping_add(i * 7919)) {
            let hits = Run::all(script, STEPS, None).hits;
            let counts = hits.into_iter().map(|(point, seen)| (point, seen.hits)).collect();
            profiles.by_script.insert(script, counts);
            let met = |point: &&&str| profiles.reaching(point).count() as u64 >= wanted;
            if points::all().iter().all(|point| met(&point)) {
                break;
            }
        }
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
