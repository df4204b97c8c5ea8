//! Power cuts at seeded moments of a life: what was acknowledged durable is found again, exactly.

use crate::rng::{Rng, seeds};
use crate::workload::{World, options};
use nokv_journal::{ErrorKind, Mode};
use nokv_testkit::evidence::Evidence;
use nokv_types::failpoint;

/// Lives with cuts in CI, four cuts each.
const CUT_SEEDS: u64 = 30;

#[test]
fn a_power_cut_at_any_moment_keeps_every_durable_batch() {
    failpoint::isolate();
    let (mut lost, mut torn, mut acknowledged) = (0, 0, 0);
    for seed in seeds(CUT_SEEDS) {
        eprintln!("NOKV_SEED={seed}");
        let mut world = World::new(seed);
        let mut dice = Rng::new(seed ^ 0xC0FF);
        for _ in 0..4 {
            let mut running = world.start_checked().unwrap();
            let verdict = format!("{:?}", running.recovered.verdict);
            torn += u64::from(verdict.starts_with("TornTail"));
            let steps = dice.below(80);
            world.live(&mut running, steps).unwrap();
            acknowledged += world.durable_seq;
            drop(running);
            lost += world.disk.cut_power(&mut dice);
        }
    }
    eprintln!("lost {lost} unsynced changes, {torn} torn tails, {acknowledged} durable batches");
    let lives = seeds(CUT_SEEDS).len() as u64;
    assert!(lost > 5 * lives && torn * 5 > lives && acknowledged > 10 * lives);
    Evidence {
        ring: "journal",
        seeds: &format!("NOKV_SEED from 1 to {lives}"),
        injected: (4 * lives, "power cuts of a simulated disk"),
        acknowledged: (acknowledged, "durable batches looked for"),
    }
    .print();
}

#[test]
fn death_of_the_process_alone_keeps_every_applied_batch() {
    failpoint::isolate();
    for seed in seeds(20) {
        eprintln!("NOKV_SEED={seed}");
        let mut world = World::new(seed);
        let mut dice = Rng::new(seed ^ 0xBEEF);
        for _ in 0..4 {
            let mut running = world.start_checked().unwrap();
            let steps = dice.below(80);
            world.live(&mut running, steps).unwrap();
            // Appended is what the kernel holds: it survives the process.
            world.durable_seq = World::end(&running).seq;
            drop(running);
            world.disk.kill();
        }
    }
}

#[test]
fn without_syncs_the_death_of_the_process_loses_nothing() {
    failpoint::isolate();
    for seed in seeds(20) {
        eprintln!("NOKV_SEED={seed}");
        let mut world = World::new(seed);
        world.options = nokv_journal::LogOptions {
            mode: Mode::Ephemeral,
            ..options()
        };
        let mut dice = Rng::new(seed ^ 0xFACE);
        for _ in 0..3 {
            let mut running = world.start_checked().unwrap();
            for _ in 0..dice.below(40) {
                world.append(&mut running).unwrap();
            }
            world.durable_seq = World::end(&running).seq;
            drop(running);
            world.disk.kill();
        }
    }
}

#[test]
fn without_syncs_a_power_cut_leaves_an_exact_prefix_or_is_refused_by_name() {
    failpoint::isolate();
    let (mut prefixes, mut refused) = (0, 0);
    for seed in seeds(30) {
        eprintln!("NOKV_SEED={seed}");
        let mut world = World::new(seed);
        world.options = nokv_journal::LogOptions {
            mode: Mode::Ephemeral,
            ..options()
        };
        let mut dice = Rng::new(seed ^ 0xFADE);
        let mut running = world.start_checked().unwrap();
        world.live(&mut running, 60).unwrap();
        drop(running);
        world.disk.cut_power(&mut dice);
        world.durable_seq = 0;
        match world.start() {
            Ok(running) => {
                world.check(&running);
                prefixes += 1;
            }
            Err(error) => {
                let known = matches!(error.kind, ErrorKind::Loss { .. } | ErrorKind::Corrupt);
                assert!(known, "{error}");
                refused += 1;
            }
        }
    }
    eprintln!("{prefixes} prefixes, {refused} refusals");
    assert!(prefixes > 0 && refused > 0);
}
