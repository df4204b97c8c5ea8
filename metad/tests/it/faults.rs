//! ENOSPC, EIO and short writes at every failpoint of a script: answered or fatal, never wrong.

use crate::points;
use crate::ring::{Fault, Run};
use crate::rng::{seed, size};
use nokv_testkit::evidence::Evidence;
use nokv_types::failpoint::Action;
use std::collections::BTreeMap;
use std::sync::Mutex;

const STEPS: u32 = 60;
/// Runs side by side.
const THREADS: usize = 24;

/// What must be acknowledged in each run, and did fire in all.
#[derive(Debug, Default)]
struct Totals {
    cases: u64,
    fired: BTreeMap<String, u64>,
    acknowledged: u64,
}

#[test]
fn an_error_of_any_write_or_sync_is_answered_and_loses_nothing() {
    let base = seed("NOKV_FAULT_SEED");
    let (every, seeds) = (size("NOKV_FAULT_EVERY", 3), size("NOKV_FAULT_SEEDS", 1));
    let mut totals = Totals::default();
    for seed in (0..seeds).map(|number| base.wrapping_add(number * 7919)) {
        println!("seed {seed}");
        run(seed, &cases(seed, every), &mut totals);
    }
    println!("{totals:?}");
    let fired: u64 = totals.fired.values().sum();
    assert!(fired >= totals.cases / 2 && totals.fired.len() == 3, "{totals:?}");
    let told: Vec<_> = totals
        .fired
        .iter()
        .map(|(action, count)| (action.clone(), count.to_string()))
        .collect();
    Evidence {
        ring: "errors",
        seeds: &format!("NOKV_FAULT_SEED={base} NOKV_FAULT_SEEDS={seeds} NOKV_FAULT_EVERY={every}"),
        injected: (fired, "refused or short writes and syncs"),
        acknowledged: (totals.acknowledged, "commands"),
    }
    .print_with(&told);
}

/// Each action at each point that the script of a seed reaches; small runs take one action per point.
fn cases(seed: u64, every: u64) -> Vec<Fault> {
    let hits = Run::all(seed, STEPS, None).hits;
    let mut cases = Vec::new();
    for (i, point) in points::all().iter().enumerate() {
        let Some(seen) = hits.get(point).filter(|seen| seen.hits > 0) else {
            continue;
        };
        for (j, action) in [Action::Enospc, Action::Eio, Action::Short]
            .into_iter()
            .enumerate()
        {
            if ((i + j) as u64).is_multiple_of(every) {
                cases.push(Fault {
                    point,
                    k: 1 + seed.wrapping_add(j as u64) % seen.hits,
                    action,
                });
            }
        }
    }
    cases
}

fn run(seed: u64, cases: &[Fault], totals: &mut Totals) {
    totals.cases += cases.len() as u64;
    let shared = Mutex::new(totals);
    let work = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next().copied();
                    let Some(fault) = next else { break };
                    println!("{fault:?}");
                    let outcomes = Run::all(seed, STEPS, Some(fault));
                    let seen = outcomes.hits.get(fault.point).copied().unwrap_or_default();
                    assert!(outcomes.acknowledged > 0, "{fault:?}");
                    let mut totals = shared.lock().unwrap();
                    totals.acknowledged += outcomes.acknowledged;
                    *totals.fired.entry(format!("{:?}", fault.action)).or_insert(0) += seen.fired;
                }
            });
        }
    });
}
