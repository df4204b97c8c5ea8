//! Tails that were cut short before they were durable.

use crate::rng::{Rng, seeds};
use crate::workload::{DIR, World};
use nokv_journal::recovery::Verdict;
use nokv_types::failpoint;
use std::path::{Path, PathBuf};

/// The log file that was written to last, and the offset after its last byte that is not zero.
pub(crate) fn tail_of(world: &World) -> (PathBuf, usize) {
    let dir = Path::new(DIR).join("log");
    let names = nokv_journal::Disk::list(&world.disk, &dir).unwrap();
    let used = |name: &String| {
        let path = dir.join(name);
        let bytes = world.disk.bytes(&path);
        let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
        name.strip_suffix(".log").map(|_| (path, end))
    };
    names.iter().filter_map(used).next_back().unwrap()
}

/// Appends half of a segment that never became durable.
pub(crate) fn tear(world: &mut World) {
    let mut running = world.start_checked().unwrap();
    let before = world.durable_seq;
    world.append(&mut running).unwrap();
    drop(running);
    world.disk.kill();
    let (path, end) = tail_of(world);
    world.disk.damage(&path, |bytes| bytes[end - 20..].fill(0));
    world.history.pop();
    world.durable_seq = before;
}

/// A world whose last three batches were appended and never synced.
fn with_undurable_tail(seed: u64) -> (World, u64) {
    let mut world = World::new(seed);
    let mut running = world.start_checked().unwrap();
    for _ in 0..8 {
        world.append(&mut running).unwrap();
    }
    world.sync(&running.recovered.log).unwrap();
    let durable = world.durable_seq;
    for _ in 0..3 {
        world.append(&mut running).unwrap();
    }
    drop(running);
    world.disk.kill();
    (world, durable)
}

#[test]
fn the_last_segment_cut_at_any_byte_is_torn_and_the_rest_is_kept() {
    failpoint::isolate();
    for seed in seeds(3) {
        let (world, durable) = with_undurable_tail(seed);
        let (path, end) = tail_of(&world);
        let whole = world.disk.bytes(&path);
        let starts = crate::log_damage::segment_offsets(&whole);
        let last = *starts.last().unwrap();
        for cut in last..end {
            let mut world = world.fork();
            world.disk.damage(&path, |bytes| bytes[cut..].fill(0));
            let running = world.start_checked().unwrap();
            assert_eq!(running.recovered.at.seq, 10, "cut at {cut} of {last}..{end}");
            let torn = matches!(running.recovered.verdict, Verdict::TornTail { seq: 11, .. });
            // Cut at its first byte there is nothing left that could tell.
            assert!(
                torn || cut == last,
                "cut at {cut}: {:?}",
                running.recovered.verdict
            );
            assert!(durable == 8);
        }
    }
}

#[test]
fn after_a_torn_tail_the_log_goes_on_and_is_clean_again() {
    failpoint::isolate();
    for seed in seeds(20) {
        let (mut world, _) = with_undurable_tail(seed);
        let (path, end) = tail_of(&world);
        world.disk.damage(&path, |bytes| bytes[end - 30] ^= 0x40);
        let mut running = world.start_checked().unwrap();
        assert!(matches!(running.recovered.verdict, Verdict::TornTail { .. }));
        for _ in 0..5 {
            world.append(&mut running).unwrap();
        }
        world.sync(&running.recovered.log).unwrap();
        drop(running);
        world.disk.cut_power(&mut Rng::new(seed));
        let running = world.start_checked().unwrap();
        assert_eq!(
            running.recovered.verdict,
            Verdict::Clean {
                clean_shutdown: false
            }
        );
    }
}

#[test]
fn an_undurable_group_of_which_only_later_segments_survive_is_torn() {
    failpoint::isolate();
    let (mut world, durable) = with_undurable_tail(7);
    let (path, _) = tail_of(&world);
    let starts = crate::log_damage::segment_offsets(&world.disk.bytes(&path));
    let (ninth, tenth) = (starts[8], starts[9]);
    world.disk.damage(&path, |bytes| bytes[ninth..tenth].fill(0));
    let running = world.start_checked().unwrap();
    assert_eq!(running.recovered.at.seq, durable);
    assert!(matches!(
        running.recovered.verdict,
        Verdict::TornTail { seq: 9, .. }
    ));
}
