//! Power cut under load: everything durable is there, and what is gone is the end of the order of commands.

use crate::kill::{options, prove_clean, prove_exact};
use crate::load;
use crate::rng::{Rng, seed, size};
use crate::wait;
use nokv_metad::{Embedded, Options};
use nokv_testkit::evidence::Evidence;
use nokv_testkit::loop_disk::LoopDisk;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const DISK_BYTES: u64 = 256 << 20;
/// Written and never synced.
const CANARY: &[u8] = b"gone with the power";
/// The objects are compared after every so many cuts.
const EXACT_EVERY: u64 = 5;

#[test]
fn a_power_cut_loses_nothing_that_was_durable() {
    let seed = seed("NOKV_POWER_SEED");
    let cuts = size("NOKV_POWER_CUTS", 5);
    let scratch = tempfile::tempdir().unwrap();
    let mut disk = match LoopDisk::make(scratch.path(), DISK_BYTES) {
        Ok(disk) => disk,
        Err(error) => {
            println!("NOT QUALIFIED: no loop device for a power cut: {error}");
            return;
        }
    };
    println!("seed {seed}, {cuts} cuts");
    let mut rng = Rng::new(seed);
    // Notes are kept where the power stays.
    let notes = scratch.path().join("notes");
    fs::create_dir(&notes).unwrap();
    let (mut noted, mut lost, mut canaries, mut acknowledged) = (0, 0, 0, 0);
    for cut in 0..cuts {
        let namespace = open(disk.path());
        load_until_cut(
            &namespace,
            &disk,
            &notes,
            (cut, noted + 10 + rng.below(80) as u64),
        );
        drop(namespace);
        disk.restart().unwrap();
        let survived = fs::read(canary(disk.path(), cut)).is_ok_and(|bytes| bytes == CANARY);
        canaries += u64::from(!survived);
        let namespace = open(disk.path());
        let (now, gone) = load::prove(&namespace, &notes, true);
        println!(
            "cut {cut}: {now} noted, {gone} gone, {:?}",
            namespace.engine().recovered().verdict
        );
        assert!(now > noted, "nothing was answered");
        lost += gone;
        acknowledged += now - noted;
        noted = now - gone;
        // What is gone may come again under the same number.
        forget(&namespace, &notes);
        prove_clean(&namespace);
        namespace.close().unwrap();
        drop(namespace);
        if cut % EXACT_EVERY == EXACT_EVERY - 1 || cut + 1 == cuts {
            let dir = disk.path();
            prove_exact(&dir.join("data"), quiet(dir), cut);
        }
    }
    println!("{canaries} canaries and {lost} requests that were not durable are gone");
    assert!(canaries > 0, "the cuts lose nothing: they prove nothing");
    let seeds = format!("NOKV_POWER_SEED={seed} NOKV_POWER_CUTS={cuts}");
    Evidence {
        ring: "power",
        seeds: &seeds,
        injected: (canaries, "power cuts that lost their canary"),
        acknowledged: (acknowledged, "noted requests of 16 files"),
    }
    .print();
}

fn open(dir: &Path) -> Embedded {
    let data = dir.join("data");
    match Embedded::open(&data, quiet(dir)) {
        Err(error) if error.kind == nokv_metad::ErrorKind::Missing => {
            Embedded::create(&data, quiet(dir)).unwrap()
        }
        opened => opened.unwrap(),
    }
}

fn quiet(dir: &Path) -> Options {
    Options {
        // The disk is about to fail on purpose.
        fatal: Arc::new(|_| ()),
        ..options(dir)
    }
}

fn canary(dir: &Path, cut: u64) -> std::path::PathBuf {
    dir.join(format!("canary{cut}"))
}

fn load_until_cut(namespace: &Embedded, disk: &LoopDisk, notes: &Path, (cut, until): (u64, u64)) {
    std::thread::scope(|scope| {
        for caller in 0..load::CALLERS {
            scope.spawn(move || load::run(namespace, notes, caller, u64::MAX));
        }
        // Also when nothing more is answered: then the proof says so.
        wait::until(wait::LONG, || {
            let now: u64 = (0..load::CALLERS)
                .map(|caller| load::notes(notes, caller).len() as u64)
                .sum();
            now >= until
        });
        // Never synced by itself: it is gone when the cut is one.
        fs::write(canary(disk.path(), cut), CANARY).unwrap();
        disk.cut_power().unwrap();
    });
}

/// Notes of requests that are gone.
fn forget(namespace: &Embedded, notes: &Path) {
    for caller in 0..load::CALLERS {
        let there = load::present(namespace, load::home(namespace, caller));
        let mut kept = String::new();
        for note in load::notes(notes, caller)
            .iter()
            .filter(|note| note.number < there)
        {
            kept.push_str(&note.line());
        }
        fs::write(load::notes_of(notes, caller), kept).unwrap();
    }
}
