//! Event files: what is read from a version on, what retention lets go, what the log completes.

use crate::sim::SimDisk;
use crate::workload::WORKSPACE;
use nokv_journal::events::{EventFiles, EventOptions, EventRecord, Retention};
use nokv_journal::{ErrorKind, Position};
use nokv_store::Visit;
use nokv_types::{Version, failpoint};
use std::path::Path;
use std::sync::Arc;

pub(crate) const EVENTS: &str = "/events";

pub(crate) fn options() -> EventOptions {
    EventOptions {
        file_bytes: 4096,
        index_bytes: 512,
        ..EventOptions::new(WORKSPACE)
    }
}

pub(crate) fn at(seq: u64) -> Position {
    Position {
        seq,
        ..Position::start(WORKSPACE)
    }
}

pub(crate) fn open(disk: &SimDisk, seq: u64) -> EventFiles {
    EventFiles::open(Arc::new(disk.clone()), Path::new(EVENTS), options(), &at(seq))
        .unwrap()
        .files
}

/// Segment `seq` holds versions `seq * 10 ..= seq * 10 + 3`.
pub(crate) fn add(files: &EventFiles, seqs: std::ops::RangeInclusive<u64>) {
    for seq in seqs {
        let bytes = format!("events of {seq} ").repeat(seq as usize % 5);
        let record = EventRecord {
            seq,
            first_version: Version(seq * 10),
            last_version: Version(seq * 10 + 3),
            log_time_ns: seq * 1000,
            bytes: bytes.as_bytes(),
        };
        files.append(&record).unwrap();
    }
}

pub(crate) fn read(files: &EventFiles, version: u64) -> nokv_journal::Result<Vec<u64>> {
    let mut seqs = Vec::new();
    files.read_from(Version(version), &mut |record| {
        assert_eq!(
            record.bytes,
            format!("events of {} ", record.seq)
                .repeat(record.seq as usize % 5)
                .as_bytes()
        );
        seqs.push(record.seq);
        Visit::Next
    })?;
    Ok(seqs)
}

#[test]
fn reading_starts_at_the_record_that_holds_the_version() {
    failpoint::isolate();
    let files = open(&SimDisk::new(), 0);
    add(&files, 1..=300);
    for version in [10, 11, 13, 14, 20, 1503, 1504, 3000, 3003] {
        let first = (version + 6) / 10;
        let expected: Vec<u64> = (first..=300).collect();
        assert_eq!(read(&files, version).unwrap(), expected, "from version {version}");
    }
    assert_eq!(read(&files, 3004).unwrap(), Vec::<u64>::new());
    assert!(files.usage().files > 3);
}

#[test]
fn a_visitor_stops_the_reading() {
    failpoint::isolate();
    let files = open(&SimDisk::new(), 0);
    add(&files, 1..=50);
    let mut seen = 0;
    let read = files.read_from(Version(10), &mut |_| {
        seen += 1;
        if seen == 7 { Visit::Stop } else { Visit::Next }
    });
    read.unwrap();
    assert_eq!(seen, 7);
}

#[test]
fn a_record_out_of_order_is_refused() {
    failpoint::isolate();
    let files = open(&SimDisk::new(), 0);
    add(&files, 1..=3);
    let record = EventRecord {
        seq: 5,
        first_version: Version(50),
        last_version: Version(50),
        log_time_ns: 0,
        bytes: b"",
    };
    assert_eq!(files.append(&record).unwrap_err().kind, ErrorKind::Invalid);
    add(&files, 4..=4);
}

#[test]
fn what_was_synced_is_there_after_a_power_cut_and_opened_by_its_index() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let files = open(&disk, 0);
    add(&files, 1..=200);
    assert_eq!(files.sync().unwrap(), 200);
    add(&files, 201..=205);
    disk.cut_power(&mut crate::rng::Rng::new(5));
    let files = open(&disk, 205);
    assert_eq!(files.copied_seq(), Some(200));
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(read(&files, 10).unwrap(), expected);
    add(&files, 201..=203);
    assert_eq!(read(&files, 2000).unwrap(), [200, 201, 202, 203]);
}

#[test]
fn records_after_the_recovered_end_are_cut() {
    failpoint::isolate();
    for end in [0, 1, 60, 61, 150, 199] {
        let disk = SimDisk::new();
        let files = open(&disk, 0);
        add(&files, 1..=200);
        files.sync().unwrap();
        disk.kill();
        let files = open(&disk, end);
        assert_eq!(files.copied_seq().unwrap_or(0), end);
        add(&files, end + 1..=end + 5);
        files.sync().unwrap();
        disk.kill();
        let expected: Vec<u64> = (1..=end + 5).collect();
        assert_eq!(
            read(&open(&disk, end + 5), 10).unwrap(),
            expected,
            "cut after {end}"
        );
    }
}

#[test]
fn retention_by_size_and_age_stops_at_the_floor() {
    failpoint::isolate();
    let files = open(&SimDisk::new(), 0);
    add(&files, 1..=400);
    let rule = Retention {
        bytes: 8192,
        ..Retention::new(0, None)
    };
    let held = files
        .trim(&Retention {
            floor: Some(Version(10)),
            ..rule
        })
        .unwrap();
    assert_eq!((held.files, held.oldest), (0, Version(10)));
    assert!(held.held_bytes > 0);
    let half = files
        .trim(&Retention {
            floor: Some(Version(2000)),
            ..rule
        })
        .unwrap();
    assert!(half.files > 0 && half.oldest <= Version(2000));
    assert_eq!(read(&files, 2000).unwrap()[0], 200);
    let all = files.trim(&rule).unwrap();
    assert!(all.oldest > Version(2000));
    assert!(files.usage().bytes <= 8192 + 4096);
    let error = read(&files, 2000).unwrap_err();
    assert_eq!(error.kind, ErrorKind::CursorExpired { oldest: all.oldest.0 });
    assert_eq!(read(&files, all.oldest.0).unwrap().last(), Some(&400));
    let aged = files
        .trim(&Retention {
            age_ns: 10,
            ..Retention::new(10_000_000, None)
        })
        .unwrap();
    assert_eq!(files.usage().files, 1, "{aged:?}");
}

#[test]
fn the_floor_gives_way_at_its_limit() {
    failpoint::isolate();
    let files = open(&SimDisk::new(), 0);
    add(&files, 1..=400);
    let rule = Retention {
        bytes: 4096,
        held_bytes_max: 12_000,
        ..Retention::new(0, Some(Version(10)))
    };
    let trimmed = files.trim(&rule).unwrap();
    assert!(
        trimmed.files > 0 && files.usage().bytes <= 12_000,
        "{trimmed:?} {:?}",
        files.usage()
    );
}

#[test]
fn trimmed_files_stay_gone_after_a_restart() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let files = open(&disk, 0);
    add(&files, 1..=300);
    files.sync().unwrap();
    let oldest = files
        .trim(&Retention {
            bytes: 8192,
            ..Retention::new(0, None)
        })
        .unwrap()
        .oldest;
    disk.kill();
    let files = open(&disk, 300);
    assert_eq!(files.oldest(), oldest);
    assert_eq!(read(&files, oldest.0).unwrap().last(), Some(&300));
}
