//! Flipped bits, cut files, older frames in place of newer ones: always noticed, never a wrong row.

use crate::history::{History, Map, open, settings, state_after, times};
use nokv_store::conformance::{self, Rng};
use nokv_store::{
    Disk as _, ErrorKind, FileName, HoltStore, Rows, Scan, Settings, SimDisk, Store as _, Visit,
};
use nokv_testkit::evidence::Evidence;
use std::sync::Arc;
use std::time::Duration;

/// Flipped bits in CI, and cuts of each file.
const POSITIONS: u64 = 200;
const CUTS: u64 = 30;
/// How many times as many in full size.
const TIMES: &str = "NOKV_DAMAGE_TIMES";
const SLOT: u64 = 512 * 1024;

/// A published store with a few frames and its rows.
fn sample() -> (SimDisk, Map) {
    let disk = Arc::new(SimDisk::new());
    let (store, _) = open(disk.clone(), settings(3)).unwrap();
    let mut history = History::default();
    history.run(&store, &mut Rng::new(11), 150).unwrap();
    store.publish(&(history.log.len() as u64).to_le_bytes()).unwrap();
    drop(store);
    (disk.after_kill(), state_after(&history.log, history.log.len()))
}

fn lazy() -> Settings {
    Settings {
        verify_on_open: false,
        ..settings(3)
    }
}

/// What a damaged store answers: everything right, or `Corrupt`; never a wrong row.
fn answers(disk: SimDisk, settings: Settings, rows: &Map, case: &str) -> Answer {
    let store: HoltStore = match open(Arc::new(disk), settings) {
        Ok((store, _)) => store,
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Corrupt, "{case}: {error}");
            return Answer::CorruptAtOpen;
        }
    };
    let mut delivered = Map::new();
    let outcome = store.scan(Scan::prefix(b""), &mut |key, value| {
        delivered.insert(key.to_vec(), value.to_vec());
        Visit::Next
    });
    for (key, value) in &delivered {
        assert_eq!(rows.get(key), Some(value), "{case}: a wrong row");
    }
    match outcome {
        Ok(()) => {
            assert_eq!(delivered.len(), rows.len(), "{case}: rows are missing");
            Answer::AllRight
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Corrupt, "{case}: {error}");
            Answer::CorruptLater
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Answer {
    AllRight,
    CorruptAtOpen,
    CorruptLater,
}

fn flip(disk: &SimDisk, file: FileName, at: u64, bit: u64) {
    let mut byte = [0];
    disk.read_at(file, at, &mut byte).unwrap();
    disk.write_at(file, at, &[byte[0] ^ (1 << bit)]).unwrap();
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_at_open_and_never_answered() {
    let (disk, rows) = sample();
    let mut rng = Rng::new(4);
    let mut seen = std::collections::BTreeMap::new();
    let positions = POSITIONS * times(TIMES);
    for position in 0..positions {
        let file = if position % 4 == 0 {
            FileName::Manifest
        } else {
            FileName::Frames
        };
        let len = disk.len(file).unwrap().unwrap();
        let (at, bit) = (rng.below(len), rng.below(8));
        let case = format!("bit {bit} of byte {at} of {file:?}");
        let damaged = || {
            let copy = disk.after_kill();
            flip(&copy, file, at, bit);
            copy
        };
        let checked = answers(damaged(), settings(3), &rows, &case);
        let unchecked = answers(damaged(), lazy(), &rows, &case);
        // A free slot may hold anything; what is used must be noticed when it is checked.
        assert_ne!(checked, Answer::CorruptLater, "{case}");
        if file == FileName::Manifest {
            assert_eq!(checked, Answer::CorruptAtOpen, "{case}");
        }
        *seen.entry((file, checked, unchecked)).or_insert(0) += 1;
    }
    println!("{seen:#?}");
    let noticed = |file| {
        seen.iter()
            .filter(|((of, at, _), _)| *of == file && *at == Answer::CorruptAtOpen)
            .count()
    };
    assert!(noticed(FileName::Frames) > 0 && noticed(FileName::Manifest) > 0);
    evidence(positions, "flipped bits in frames and manifests", rows.len());
}

#[test]
fn a_cut_anywhere_is_noticed_at_open() {
    let (disk, rows) = sample();
    let mut rng = Rng::new(6);
    let cuts = CUTS * times(TIMES);
    for _ in 0..cuts {
        for file in [FileName::Manifest, FileName::Frames] {
            let len = rng.below(disk.len(file).unwrap().unwrap());
            let copy = disk.after_kill();
            copy.set_len(file, len).unwrap();
            let case = format!("{file:?} cut to {len}");
            assert_eq!(
                answers(copy, settings(3), &rows, &case),
                Answer::CorruptAtOpen,
                "{case}"
            );
        }
    }
    evidence(cuts * 2, "cut frames files and manifests", rows.len());
}

fn evidence(positions: u64, what: &str, rows: usize) {
    Evidence {
        ring: "corruption",
        seeds: "fixed",
        injected: (positions, what),
        acknowledged: (positions * rows as u64, "published rows held against the outcome"),
    }
    .print();
}

#[test]
fn zeroed_and_swapped_slots_are_noticed() {
    let (disk, rows) = sample();
    let slots = disk.len(FileName::Frames).unwrap().unwrap() / SLOT;
    let read = |slot: u64| {
        let mut bytes = vec![0; SLOT as usize];
        disk.read_at(FileName::Frames, slot * SLOT, &mut bytes).unwrap();
        bytes
    };
    let mut noticed = 0;
    for slot in 0..slots {
        for bytes in [vec![0; SLOT as usize], read((slot + 1) % slots)] {
            let copy = disk.after_kill();
            copy.write_at(FileName::Frames, slot * SLOT, &bytes).unwrap();
            let answer = answers(copy, settings(3), &rows, &format!("slot {slot}"));
            noticed += u64::from(answer == Answer::CorruptAtOpen);
        }
    }
    assert!(noticed >= slots, "only {noticed} of {} were noticed", slots * 2);
}

#[test]
fn an_older_image_of_a_frame_in_the_right_slot_is_noticed() {
    let disk = Arc::new(SimDisk::new());
    let (store, _) = open(disk.clone(), settings(0)).unwrap();
    let mut history = History::default();
    let mut older: Vec<Vec<u8>> = Vec::new();
    for round in 0..6 {
        history.run(&store, &mut Rng::new(round), 20).unwrap();
        store.publish(&(history.log.len() as u64).to_le_bytes()).unwrap();
        let slots = disk.len(FileName::Frames).unwrap().unwrap() / SLOT;
        older.extend((0..slots).map(|slot| {
            let mut bytes = vec![0; SLOT as usize];
            disk.read_at(FileName::Frames, slot * SLOT, &mut bytes).unwrap();
            bytes
        }));
    }
    let rows = state_after(&history.log, history.log.len());
    let slots = disk.len(FileName::Frames).unwrap().unwrap() / SLOT;
    let mut noticed = 0;
    for image in &older {
        for slot in 0..slots {
            let copy = disk.after_kill();
            copy.write_at(FileName::Frames, slot * SLOT, image).unwrap();
            noticed += usize::from(answers(copy, settings(0), &rows, "older image") == Answer::CorruptAtOpen);
        }
    }
    assert!(
        noticed > older.len(),
        "{noticed} noticed of {} tried",
        older.len() as u64 * slots
    );
}

#[test]
fn verify_names_the_frame_and_the_slot_that_rotted() {
    let disk = Arc::new(SimDisk::new());
    let (store, _) = open(disk.clone(), settings(0)).unwrap();
    History::default().run(&store, &mut Rng::new(1), 100).unwrap();
    store.publish(&[0; 8]).unwrap();
    store.verify().unwrap();
    let slots = disk.len(FileName::Frames).unwrap().unwrap() / SLOT;
    for slot in 0..slots {
        flip(&disk, FileName::Frames, slot * SLOT + 1000, 3);
    }
    let error = store.verify().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.subject.contains("in slot"), "{error}");
}

/// How long a read of a damaged frame may take on any machine.
const READ_MAX: Duration = Duration::from_mins(1);

#[test]
fn a_damaged_frame_that_is_read_while_a_writer_waits_is_an_error_and_no_deadlock() {
    let (disk, rows) = sample();
    let slots = disk.len(FileName::Frames).unwrap().unwrap() / SLOT;
    let mut refused = 0;
    for slot in 0..slots {
        let copy = disk.after_kill();
        flip(&copy, FileName::Frames, slot * SLOT + 3000, 2);
        let Ok((store, _)) = open(Arc::new(copy), lazy()) else {
            continue;
        };
        let Some(key) = rows.keys().find(|key| store.get(key).is_err()).cloned() else {
            continue;
        };
        // On threads of their own: what hangs must not hang the test.
        let (told, tell) = (Arc::new(store), std::sync::mpsc::channel());
        std::thread::spawn(move || tell.0.send(refusals_beside_a_writer(&told, &key)));
        refused += tell.1.recv_timeout(READ_MAX).expect("a deadlock");
    }
    assert!(
        refused > 0,
        "no slot could be damaged so that the store still opens"
    );
}

/// Reads the row again and again with the writer kept out and waiting; how often that was refused.
fn refusals_beside_a_writer(store: &Arc<HoltStore>, key: &[u8]) -> u64 {
    let mut refused = 0;
    store.exclude_writer(&mut || {
        let (waiting, waits) = std::sync::mpsc::channel();
        let writer = Arc::clone(store);
        std::thread::spawn(move || {
            let change = conformance::batch(&[(b"another".to_vec(), Some(vec![1]))]);
            waiting.send(()).unwrap();
            // Its frame may be the damaged one.
            let _ = writer.apply(&change);
        });
        waits.recv().unwrap();
        for _ in 0..300 {
            refused += u64::from(store.get(key).is_err());
            std::thread::yield_now();
        }
    });
    refused
}
