//! Which state is found again, from what, and with which verdict.

use crate::rng::seeds;
use crate::torn::tail_of;
use crate::workload::{DIR, World};
use nokv_journal::recovery::{Origin, Verdict};
use nokv_journal::{Disk, ErrorKind};
use nokv_types::failpoint;
use std::path::Path;

fn model() -> std::path::PathBuf {
    Path::new(DIR).join("frames/model")
}

/// 30 durable batches, a checkpoint at 10 and one at 20, frames published at 25.
fn world(seed: u64) -> World {
    failpoint::isolate();
    let mut world = World::new(seed);
    let mut running = world.start_checked().unwrap();
    for seq in 1..=30 {
        world.append(&mut running).unwrap();
        world.sync(&running.recovered.log).unwrap();
        match seq {
            10 | 20 => world.checkpoint(&mut running).unwrap(),
            25 => world.publish(&mut running).unwrap(),
            _ => {}
        }
    }
    running.recovered.log.upkeep().note_durable().unwrap();
    drop(running);
    world.disk.kill();
    world
}

#[test]
fn an_empty_directory_is_a_new_workspace() {
    failpoint::isolate();
    let mut world = World::new(1);
    let running = world.start_checked().unwrap();
    assert_eq!(running.recovered.verdict, Verdict::New);
    assert_eq!(running.recovered.at.seq, 0);
}

#[test]
fn a_clean_shutdown_is_told_from_a_clean_end() {
    let mut world = world(2);
    let running = world.start_checked().unwrap();
    assert_eq!(
        running.recovered.verdict,
        Verdict::Clean {
            clean_shutdown: false
        }
    );
    assert_eq!(running.recovered.replayed, 5);
    running.recovered.log.close().unwrap();
    world.disk.kill();
    let running = world.start_checked().unwrap();
    assert_eq!(running.recovered.verdict, Verdict::Clean { clean_shutdown: true });
    drop(running);
    world.disk.kill();
    let running = world.start_checked().unwrap();
    assert_eq!(
        running.recovered.verdict,
        Verdict::Clean {
            clean_shutdown: false
        }
    );
}

#[test]
fn damaged_frames_are_rebuilt_from_the_newest_checkpoint() {
    let mut world = world(3);
    world.disk.damage(&model(), |bytes| bytes[40] ^= 1);
    let running = world.start_checked().unwrap();
    let Verdict::Rebuilt {
        quarantined,
        from,
        to_seq,
        ..
    } = &running.recovered.verdict
    else {
        panic!("{:?}", running.recovered.verdict);
    };
    assert_eq!((*from, *to_seq), (Origin::Checkpoint(20), 30));
    assert_eq!(quarantined, &[Path::new(DIR).join("quarantine/1/frames")]);
    assert!(world.disk.exists(&quarantined[0].join("model")).unwrap());
    assert_eq!(running.recovered.covered_seq, 30);
    drop(running);
    world.disk.kill();
    assert_eq!(
        world.start_checked().unwrap().recovered.verdict,
        Verdict::Clean {
            clean_shutdown: false
        }
    );
}

#[test]
fn a_damaged_newest_checkpoint_falls_back_to_the_one_before() {
    let mut world = world(4);
    world.disk.damage(&model(), |bytes| bytes.truncate(10));
    crate::checkpoints::damage(&world.objects, 20, "part-00000");
    let running = world.start_checked().unwrap();
    assert!(matches!(
        running.recovered.verdict,
        Verdict::Rebuilt {
            from: Origin::Checkpoint(10),
            to_seq: 30,
            ..
        }
    ));
}

#[test]
fn without_any_good_checkpoint_the_whole_log_is_replayed() {
    let mut world = world(5);
    world.disk.vanish(&model());
    crate::checkpoints::damage(&world.objects, 20, "MANIFEST");
    crate::checkpoints::damage(&world.objects, 10, "part-00000");
    let running = world.start_checked().unwrap();
    assert!(matches!(
        running.recovered.verdict,
        Verdict::Rebuilt {
            from: Origin::Empty,
            to_seq: 30,
            ..
        }
    ));
}

#[test]
fn a_damaged_head_is_replaced_by_what_the_listing_shows() {
    let mut world = world(6);
    world.disk.damage(&model(), |bytes| bytes[3] ^= 1);
    crate::checkpoints::damage_head(&world.objects);
    let mut running = world.start_checked().unwrap();
    assert!(matches!(
        running.recovered.verdict,
        Verdict::Rebuilt {
            from: Origin::Checkpoint(20),
            ..
        }
    ));
    world.checkpoint(&mut running).unwrap();
}

#[test]
fn frames_of_another_history_go_to_quarantine() {
    let mut world = world(7);
    let stranger = self::world(8);
    let bytes = stranger.disk.bytes(&model());
    world.disk.damage(&model(), |own| *own = bytes);
    let running = world.start_checked().unwrap();
    assert!(matches!(
        running.recovered.verdict,
        Verdict::Rebuilt { to_seq: 30, .. }
    ));
}

#[test]
fn damage_in_the_log_before_what_the_frames_cover_costs_nothing() {
    for seed in seeds(5) {
        let mut world = world(seed);
        let first = Path::new(DIR).join("log/0000000000000001.log");
        let offsets = crate::log_damage::segment_offsets(&world.disk.bytes(&first));
        for offset in offsets.iter().take(20) {
            let mut fork = world.fork();
            fork.disk.damage(&first, |bytes| bytes[offset + 50] ^= 1);
            let mut running = fork.start_checked().unwrap();
            assert_eq!(running.recovered.at.seq, 30);
            assert!(running.recovered.hole.is_some());
            fork.append(&mut running).unwrap();
            fork.sync(&running.recovered.log).unwrap();
            drop(running);
            fork.disk.kill();
            assert_eq!(fork.start_checked().unwrap().recovered.at.seq, 31);
            // Another damage, to the frames: only the checkpoint at 20 helps now, when the hole lies before it.
            let mut again = fork.fork();
            again.disk.damage(&model(), |bytes| bytes[40] ^= 1);
            match again.start() {
                Ok(_) => {
                    again.disk.kill();
                    assert_eq!(again.start_checked().unwrap().recovered.at.seq, 31);
                }
                Err(error) => assert!(matches!(error.kind, ErrorKind::Loss { .. }), "{error}"),
            }
        }
        world.start_checked().unwrap();
    }
}

#[test]
fn damage_to_the_log_past_the_frames_is_a_loss_that_names_the_versions() {
    let mut world = world(9);
    let (path, _) = tail_of(&world);
    let offsets = crate::log_damage::segment_offsets(&world.disk.bytes(&path));
    let victim = offsets[offsets.len() - 3];
    world.disk.damage(&path, |bytes| bytes[victim + 30] ^= 1);
    let before = world.disk.bytes(&path);
    let error = world.start().unwrap_err();
    let (lost_from, lost_to) = (world.history[26].last + 1, world.history[29].last);
    assert_eq!(
        error.kind,
        ErrorKind::Loss {
            from: lost_from,
            to: Some(lost_to)
        },
        "{error}"
    );
    assert_eq!(world.disk.bytes(&path), before, "a refusal changes nothing");
    assert!(!world.disk.exists(&Path::new(DIR).join("quarantine")).unwrap());
    // Accepting it goes on from the last good segment, the old log kept aside.
    world.accept_loss = true;
    world.durable_seq = 27;
    let running = world.start_checked().unwrap();
    assert_eq!(running.recovered.at.seq, 27);
    let Verdict::Loss {
        quarantined, from, ..
    } = &running.recovered.verdict
    else {
        panic!("{:?}", running.recovered.verdict);
    };
    assert_eq!(from.0, lost_from);
    assert_eq!(quarantined, &[Path::new(DIR).join("quarantine/1/log")]);
    drop(running);
    world.disk.kill();
    world.accept_loss = false;
    let mut running = world.start_checked().unwrap();
    assert_eq!(
        running.recovered.verdict,
        Verdict::Clean {
            clean_shutdown: false
        }
    );
    world.append(&mut running).unwrap();
}

#[test]
fn a_log_that_is_gone_is_a_loss_even_with_good_frames() {
    let mut world = world(10);
    world.disk.vanish(&Path::new(DIR).join("log"));
    let error = world.start().unwrap_err();
    let from = world.history[24].last + 1;
    assert_eq!(error.kind, ErrorKind::Loss { from, to: None }, "{error}");
    world.accept_loss = true;
    world.durable_seq = 25;
    assert_eq!(world.start_checked().unwrap().recovered.at.seq, 25);
}

#[test]
fn a_state_directory_that_is_gone_is_a_loss_after_the_newest_checkpoint() {
    let mut world = world(11);
    world.disk.vanish(Path::new(DIR));
    let error = world.start().unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::Loss {
            from: world.history[19].last + 1,
            to: None
        },
        "{error}"
    );
    world.accept_loss = true;
    world.durable_seq = 20;
    let running = world.start_checked().unwrap();
    assert!(matches!(
        running.recovered.verdict,
        Verdict::Loss {
            origin: Origin::Checkpoint(20),
            ..
        }
    ));
}

#[test]
fn damage_to_the_last_covered_segment_costs_nothing() {
    let mut world = world(12);
    let mut running = world.start_checked().unwrap();
    world.publish(&mut running).unwrap();
    drop(running);
    world.disk.kill();
    crate::log_damage::flip_last_segment(&mut world);
    let mut running = world.start_checked().unwrap();
    assert!(matches!(
        running.recovered.verdict,
        Verdict::Rebuilt {
            from: Origin::Frames(30),
            ..
        }
    ));
    world.append(&mut running).unwrap();
    world.sync(&running.recovered.log).unwrap();
    drop(running);
    world.disk.kill();
    assert_eq!(world.start_checked().unwrap().recovered.at.seq, 31);
}
