//! Damage to event files: never a wrong record, and the log completes what it still can.

use crate::events::{EVENTS, add, open, read};
use crate::log_damage::evidence;
use crate::rng::{Rng, times};
use crate::sim::SimDisk;
use crate::workload::{DIR, World};
use nokv_journal::{Disk, ErrorKind};
use nokv_types::failpoint;
use std::path::Path;

fn filled() -> SimDisk {
    failpoint::isolate();
    let disk = SimDisk::new();
    let files = open(&disk, 0);
    add(&files, 1..=300);
    files.sync().unwrap();
    disk.kill();
    disk
}

/// What can be read is right, gapless, and reaches the end or ends with a typed error.
fn check(disk: &SimDisk, what: &str) -> bool {
    let files = open(disk, 300);
    let oldest = files.oldest().0;
    let copied = files.copied_seq();
    match read(&files, oldest) {
        Ok(seqs) => {
            assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{what}");
            assert_eq!(seqs.last().copied().or(copied), copied, "{what}");
            oldest > 10 || copied != Some(300)
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Corrupt, "{what}: {error}");
            true
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_or_harmless() {
    let disk = filled();
    let names = disk.list(Path::new(EVENTS)).unwrap();
    let mut dice = Rng::new(31);
    let mut found = 0;
    let positions = 120 * times("NOKV_DAMAGE_TIMES");
    for _ in 0..positions {
        let path = Path::new(EVENTS).join(&names[dice.below(names.len() as u64) as usize]);
        let at = dice.below(disk.bytes(&path).len() as u64) as usize;
        let fork = disk.fork();
        fork.damage(&path, |bytes| bytes[at] ^= 1 << dice.below(8));
        found += u64::from(check(&fork, &format!("byte {at} of {}", path.display())));
    }
    // Trailers and indexes are rebuilt from the records; everything else shows.
    assert!(found * 5 > positions * 3, "only {found} of {positions}");
    evidence(positions, "flipped bits in event files", 300);
}

#[test]
fn a_file_cut_at_any_length_is_found_or_harmless() {
    let disk = filled();
    let names = disk.list(Path::new(EVENTS)).unwrap();
    let mut dice = Rng::new(32);
    let positions = 60 * times("NOKV_DAMAGE_TIMES");
    for _ in 0..positions {
        let path = Path::new(EVENTS).join(&names[dice.below(names.len() as u64) as usize]);
        let cut = dice.below(disk.bytes(&path).len() as u64) as usize;
        let fork = disk.fork();
        fork.damage(&path, |bytes| bytes.truncate(cut));
        check(&fork, &format!("{} cut to {cut}", path.display()));
    }
    evidence(positions, "cut event files", 300);
}

#[test]
fn files_that_are_gone_are_copied_again_from_the_log() {
    failpoint::isolate();
    let mut world = World::new(33);
    let mut running = world.start_checked().unwrap();
    for _ in 0..60 {
        world.append(&mut running).unwrap();
    }
    world.sync(&running.recovered.log).unwrap();
    World::copy_and_trim(&mut running).unwrap();
    drop(running);
    world.disk.kill();
    let events = Path::new(DIR).join("events");
    let names = world.disk.list(&events).unwrap();
    assert!(names.len() > 1);
    for name in &names {
        let mut fork = world.fork();
        fork.disk.vanish(&events.join(name));
        fork.start_checked().unwrap();
    }
    world.disk.vanish(&events);
    let running = world.start_checked().unwrap();
    assert_eq!(running.events.copied_seq(), Some(60));
}

#[test]
fn when_the_log_no_longer_reaches_back_older_cursors_expire() {
    failpoint::isolate();
    let mut world = World::new(34);
    let mut running = world.start_checked().unwrap();
    for _ in 0..2 {
        let positions = 60 * times("NOKV_DAMAGE_TIMES");
        for _ in 0..positions {
            world.append(&mut running).unwrap();
        }
        world.checkpoint(&mut running).unwrap();
        world.publish(&mut running).unwrap();
    }
    World::copy_and_trim(&mut running).unwrap();
    let base = running.recovered.log.upkeep().usage().base;
    assert!(base.seq > 0);
    drop(running);
    world.disk.kill();
    world.disk.vanish(&Path::new(DIR).join("events"));
    let running = world.start_checked().unwrap();
    assert_eq!(running.events.oldest().0, base.version.0 + 1);
    let error = running
        .events
        .read_from(base.version, &mut |_| nokv_store::Visit::Next)
        .unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::CursorExpired {
            oldest: base.version.0 + 1
        }
    );
}
