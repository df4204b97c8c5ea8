//! Damage to the files of the log: always found, and never silently short of what was durable.

use crate::rng::{Rng, times};
use crate::torn::tail_of;
use crate::workload::{DIR, WORKSPACE, World, options};
use nokv_journal::{ErrorKind, LogScan, LogVerdict, Segment};
use nokv_types::{Version, failpoint};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many times as many positions as in CI are damaged.
const TIMES: &str = "NOKV_DAMAGE_TIMES";

/// Says how many positions of a kind of file were damaged, and how many batches each was held against.
pub(crate) fn evidence(positions: u64, what: &str, durable: u64) {
    nokv_testkit::evidence::Evidence {
        ring: "corruption",
        seeds: "fixed",
        injected: (positions, what),
        acknowledged: (
            positions * durable,
            "durable rows or batches held against the outcome",
        ),
    }
    .print();
}

/// Where the segments of a file begin.
pub(crate) fn segment_offsets(file: &[u8]) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut at = 128;
    while let Ok(segment) = Segment::decode(&file[at..]) {
        offsets.push(at);
        at += segment.header.stored_len();
    }
    offsets
}

/// Flips a bit in the last segment of the log, which the published frames contain.
pub(crate) fn flip_last_segment(world: &mut World) {
    let (path, end) = tail_of(world);
    world.disk.damage(&path, |bytes| bytes[end - 40] ^= 4);
}

fn log_dir() -> PathBuf {
    Path::new(DIR).join("log")
}

/// A world with several log files, all durable, nothing published, no checkpoint.
fn durable_world(seed: u64, batches: u64) -> World {
    failpoint::isolate();
    let mut world = World::new(seed);
    let mut running = world.start_checked().unwrap();
    for _ in 0..batches {
        world.append(&mut running).unwrap();
        world.sync(&running.recovered.log).unwrap();
    }
    running.recovered.log.upkeep().note_durable().unwrap();
    drop(running);
    world.disk.kill();
    world
}

fn scan(world: &World) -> LogVerdict {
    let disk = Arc::new(world.disk.clone());
    LogScan::run(disk, &log_dir(), options(), None)
        .unwrap()
        .verdict()
        .clone()
}

fn files(world: &World) -> Vec<PathBuf> {
    let names = nokv_journal::Disk::list(&world.disk, &log_dir()).unwrap();
    names
        .iter()
        .filter(|name| name.strip_suffix(".log").is_some())
        .map(|name| log_dir().join(name))
        .collect()
}

/// The last version before the first segment that a change of byte `at` of file number `file` can hurt.
fn good_before(world: &World, file: usize, at: usize) -> (u64, u64) {
    let mut seq = 0;
    for (number, path) in files(world).iter().enumerate() {
        let bytes = world.disk.bytes(path);
        for offset in segment_offsets(&bytes) {
            let header = Segment::decode(&bytes[offset..]).unwrap().header;
            if number == file && offset + header.stored_len() > at {
                return (
                    seq,
                    world.history[..seq as usize].last().map_or(0, |batch| batch.last),
                );
            }
            seq = header.seq;
        }
        if number == file {
            break;
        }
    }
    (
        seq,
        world.history[..seq as usize].last().map_or(0, |batch| batch.last),
    )
}

#[test]
fn a_flipped_bit_in_any_durable_segment_is_corrupt_and_names_the_versions() {
    let world = durable_world(11, 160);
    let newest = world.history.last().unwrap().last;
    let mut dice = Rng::new(11);
    let all = files(&world);
    assert!(all.len() >= 3, "only {} files", all.len());
    let (mut corrupt, mut harmless) = (0, 0);
    let positions = 120 * times(TIMES);
    for _ in 0..positions {
        let file = dice.below(all.len() as u64) as usize;
        let bytes = world.disk.bytes(&all[file]);
        let end = segment_offsets(&bytes).last().map_or(0, |last| {
            last + Segment::decode(&bytes[*last..]).unwrap().header.stored_len()
        });
        let at = dice.below(bytes.len() as u64) as usize;
        let fork = world.fork();
        fork.disk
            .damage(&all[file], |bytes| bytes[at] ^= 1 << dice.below(8));
        let verdict = scan(&fork);
        if (128..end).contains(&at) {
            let (seq, version) = good_before(&world, file, at);
            match verdict {
                LogVerdict::Corrupt {
                    seq: found, from, to, ..
                } => {
                    assert_eq!(
                        (found, from),
                        (seq + 1, Version(version + 1)),
                        "byte {at} of file {file}"
                    );
                    assert_eq!(to, Some(Version(newest)));
                    corrupt += 1;
                }
                other => panic!("byte {at} of file {file}: {other:?}"),
            }
        } else {
            // A seal or the zeros behind the end: nothing is lost, and everything is still there.
            assert!(
                !matches!(verdict, LogVerdict::Missing | LogVerdict::Corrupt { .. }),
                "byte {at}: {verdict:?}"
            );
            let mut fork = fork;
            fork.start_checked().unwrap();
            harmless += 1;
        }
    }
    assert!(
        corrupt * 4 > positions && harmless * 50 > positions,
        "{corrupt} corrupt, {harmless} harmless"
    );
    evidence(positions, "flipped bits in log files", 160);
}

#[test]
fn a_file_cut_at_any_length_is_never_silently_short() {
    let world = durable_world(12, 120);
    let mut dice = Rng::new(12);
    let all = files(&world);
    let positions = 60 * times(TIMES);
    for _ in 0..positions {
        let file = dice.below(all.len() as u64) as usize;
        let len = world.disk.bytes(&all[file]).len();
        let cut = dice.below(len as u64) as usize;
        let mut fork = world.fork();
        fork.disk.damage(&all[file], |bytes| bytes.truncate(cut));
        match scan(&fork) {
            LogVerdict::Corrupt { .. } => {
                let error = fork.start().unwrap_err();
                assert!(matches!(error.kind, ErrorKind::Loss { .. }), "{error}");
            }
            verdict => {
                let running = fork.start_checked().unwrap();
                assert_eq!(running.recovered.at.seq, 120, "cut to {cut}: {verdict:?}");
            }
        }
    }
    evidence(positions, "cut log files", 120);
}

#[test]
fn a_file_that_vanished_is_never_silently_missed() {
    let world = durable_world(13, 120);
    for path in files(&world) {
        let mut fork = world.fork();
        fork.disk.vanish(&path);
        match fork.start() {
            Err(error) => assert!(matches!(error.kind, ErrorKind::Loss { .. }), "{error}"),
            Ok(running) => {
                drop(running);
                fork.disk.kill();
                assert_eq!(fork.start_checked().unwrap().recovered.at.seq, 120);
            }
        }
    }
}

#[test]
fn a_lost_sector_in_the_middle_is_corrupt() {
    let world = durable_world(14, 120);
    let mut dice = Rng::new(14);
    let all = files(&world);
    for _ in 0..80 * times(TIMES) {
        let file = dice.below(all.len() as u64 - 1) as usize;
        let bytes = world.disk.bytes(&all[file]);
        let offsets = segment_offsets(&bytes);
        let Some(last) = offsets.last() else { continue };
        let sector = (dice.below(*last as u64) / 512 * 512) as usize;
        if bytes[sector.max(128)..sector + 512].iter().all(|byte| *byte == 0) {
            continue;
        }
        let fork = world.fork();
        fork.disk
            .damage(&all[file], |bytes| bytes[sector..sector + 512].fill(0));
        assert!(
            matches!(scan(&fork), LogVerdict::Corrupt { .. }),
            "sector at {sector} of file {file}"
        );
    }
}

#[test]
fn either_copy_of_the_state_file_is_enough_and_the_files_alone_are_too() {
    let world = durable_world(15, 60);
    let state = log_dir().join("STATE");
    let len = world.disk.bytes(&state).len();
    // Every byte in full size.
    let step = STATE_STEP.div_ceil(times(TIMES) as usize);
    let mut positions = 0;
    for at in (0..len).step_by(step) {
        positions += 1;
        let mut fork = world.fork();
        fork.disk.damage(&state, |bytes| bytes[at] ^= 0x20);
        assert_eq!(fork.start_checked().unwrap().recovered.at.seq, 60, "byte {at}");
    }
    for cut in [0, 1, 100, 4095, 4096, len - 1] {
        let mut fork = world.fork();
        fork.disk.damage(&state, |bytes| bytes.truncate(cut));
        assert_eq!(fork.start_checked().unwrap().recovered.at.seq, 60, "cut to {cut}");
    }
    let mut fork = world.fork();
    fork.disk.vanish(&state);
    assert_eq!(fork.start_checked().unwrap().recovered.at.seq, 60);
    evidence(positions, "changed bytes of the state file", 60);
}

/// Bytes of the state file between two that are changed in CI; odd, so that all fields are met.
const STATE_STEP: usize = 9;

#[test]
fn segments_of_another_workspace_or_of_an_earlier_life_are_not_taken() {
    let world = durable_world(16, 20);
    let other = nokv_journal::LogOptions {
        workspace: nokv_journal::WorkspaceId([9; 16]),
        ..options()
    };
    let scanned = LogScan::run(Arc::new(world.disk.clone()), &log_dir(), other, None);
    assert_eq!(scanned.unwrap_err().kind, ErrorKind::WrongWorkspace);
    // The first segment again, behind the last: what a recycled block might still hold.
    let (path, end) = tail_of(&world);
    let bytes = world.disk.bytes(&path);
    let first = segment_offsets(&bytes)[0];
    let len = Segment::decode(&bytes[first..]).unwrap().header.stored_len();
    let mut fork = world.fork();
    fork.disk.damage(&path, |bytes| {
        bytes.copy_within(first..first + len, end.next_multiple_of(8));
    });
    assert!(matches!(scan(&fork), LogVerdict::TornTail { .. }));
    assert_eq!(fork.start_checked().unwrap().recovered.at.seq, 20);
    assert_eq!(WORKSPACE, options().workspace);
}

#[test]
fn a_log_of_a_newer_epoch_fences_the_older_owner() {
    let mut world = durable_world(17, 10);
    world.options.epoch = 3;
    drop(world.start_checked().unwrap());
    world.disk.kill();
    world.options.epoch = 2;
    assert_eq!(world.start().unwrap_err().kind, ErrorKind::Fenced);
}
