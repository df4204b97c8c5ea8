//! The process dies, or the power fails, between any two effects on the disk.

use crate::history::{History, open, seeds, settings};
use nokv_store::SimDisk;
use nokv_store::conformance::Rng;
use nokv_testkit::evidence::Evidence;
use nokv_types::failpoint::{self, Action};
use std::sync::Arc;

/// Every point that stands before an effect, and how often a run hits it at most.
const POINTS: [(&str, u64); 9] = [
    ("store.frames.create", 1),
    ("store.frame.write", 80),
    ("store.frames.sync", 6),
    ("store.manifest.write", 6),
    ("store.manifest.sync", 6),
    ("store.manifest.rename", 6),
    ("store.manifest.sync_dir", 6),
    ("store.frames.cut", 1),
    ("store.frames.punch", 1),
];

/// Runs until the disk or the failpoint kills it; the history of what was applied and acknowledged.
fn run(disk: &Arc<SimDisk>, seed: u64) -> History {
    let mut history = History::default();
    let mut rng = Rng::new(seed);
    if let Ok((store, 0)) = open(disk.clone(), settings(seed)) {
        let _ = history.run(&store, &mut rng, 150);
    }
    history
}

#[test]
fn any_effect_may_be_the_last_one_of_a_process_or_of_the_power() {
    failpoint::isolate();
    let (mut died, mut published) = (0, 0);
    for seed in seeds(40) {
        let disk = Arc::new(SimDisk::new());
        disk.die_at(1 + Rng::new(seed ^ 0xD1E).below(110));
        let history = run(&disk, seed);
        died += u64::from(disk.is_dead());
        published += history.publishes.load(std::sync::atomic::Ordering::Relaxed);
        history.check(disk.after_kill(), seed, "killed");
        for cut in 0..3 {
            history.check(disk.after_power_cut(seed * 31 + cut), seed, "power cut");
        }
    }
    let count = seeds(40).count() as u64;
    println!("{died} of {count} runs died, {published} publishes were acknowledged");
    assert!(
        died * 4 >= count * 3 && published > 0,
        "too few runs died for this to prove anything"
    );
    Evidence {
        ring: "store",
        seeds: &format!("{:?}", seeds(40)),
        injected: (died * 4, "deaths and power cuts after any effect"),
        acknowledged: (published as u64, "publishes"),
    }
    .print();
}

#[test]
fn every_named_point_may_be_where_the_process_dies() {
    let mut fired = std::collections::BTreeMap::new();
    let mut published = 0;
    for (point, often) in POINTS {
        for seed in seeds(20) {
            failpoint::isolate();
            failpoint::arm(point, failpoint::seeded(seed, point, often), Action::Crash);
            let disk = Arc::new(SimDisk::new());
            let history = run(&disk, seed);
            *fired.entry(point).or_insert(0) +=
                failpoint::report().get(point).map_or(0, |report| report.fired);
            failpoint::disarm();
            published += history.publishes.load(std::sync::atomic::Ordering::Relaxed);
            history.check(disk.after_kill(), seed, point);
            history.check(disk.after_power_cut(seed), seed, point);
        }
    }
    println!("fired: {fired:?}");
    for (point, _) in POINTS {
        assert!(fired[point] > 0, "{point} never fired");
    }
    Evidence {
        ring: "store",
        seeds: &format!("{:?}", seeds(20)),
        injected: (fired.values().sum(), "deaths at 9 failpoints"),
        acknowledged: (published as u64, "publishes"),
    }
    .print();
}
