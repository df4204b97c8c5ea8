//! An object store that refuses, loses answers, delays puts and is raced: nothing is half there, and nothing leaks.

use crate::ring::{Outcomes, Run};
use crate::rng::{seed, size};
use nokv_object::faulty::{Fault, FaultRates};
use nokv_testkit::evidence::Evidence;
use std::collections::BTreeMap;
use std::sync::Mutex;

const STEPS: u32 = 120;
/// Runs side by side.
const THREADS: u64 = 16;
/// Faults that every store has, in calls out of 1,000, each.
const PER_MILLE: u32 = 25;

/// What is counted.
const KINDS: [Fault; 7] = [
    Fault::Throttle,
    Fault::Unreachable,
    Fault::NoAnswer,
    Fault::LostAnswer,
    Fault::CutRead,
    Fault::Late,
    Fault::Full,
];

#[test]
fn a_store_that_fails_in_every_way_leaves_exactly_the_reachable_objects() {
    let base = seed("NOKV_OBJECT_SEED");
    let seeds = size("NOKV_OBJECT_SEEDS", 10);
    println!("seed {base}, {seeds} of them");
    let counted = Mutex::new((BTreeMap::new(), 0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let counted = &counted;
            scope.spawn(move || {
                for number in (thread..seeds).step_by(THREADS as usize) {
                    let seed = base.wrapping_add(number);
                    println!("script {seed}");
                    let rates = FaultRates::passing(PER_MILLE)
                        .with(Fault::Late, PER_MILLE)
                        .with(Fault::Full, PER_MILLE);
                    let (outcomes, faulty): (Outcomes, _) = Run::over_faulty_objects(seed, STEPS, rates);
                    let mut counted = counted.lock().unwrap();
                    for kind in KINDS {
                        *counted.0.entry(kind).or_insert(0) += faulty.injected(kind);
                    }
                    counted.1 += outcomes.acknowledged;
                }
            });
        }
    });
    let (injected, acknowledged): (BTreeMap<Fault, u64>, u64) = counted.into_inner().unwrap();
    println!("{injected:?}");
    let silent: Vec<_> = injected.iter().filter(|(_, count)| **count == 0).collect();
    assert!(silent.is_empty(), "never injected: {silent:?}");
    let told: Vec<_> = injected
        .iter()
        .map(|(kind, count)| (format!("{kind:?}"), count.to_string()))
        .collect();
    let seeds = format!("NOKV_OBJECT_SEED={base} NOKV_OBJECT_SEEDS={seeds}");
    Evidence {
        ring: "objects",
        seeds: &seeds,
        injected: (injected.values().sum(), "faults of the object store"),
        acknowledged: (acknowledged, "commands"),
    }
    .print_with(&told);
}
