//! The log's files: rotation, preparation, trimming, room, and what is durable when.

use crate::sim::SimDisk;
use crate::workload::{WORKSPACE, options};
use nokv_journal::{
    Appended, Disk, Draft, ErrorKind, Kind, Log, LogOptions, LogScan, LogVerdict, Mode, Position, Result,
    Room,
};
use nokv_types::Version;
use nokv_types::failpoint::{self, Action};
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "/log";

fn create(disk: &SimDisk, options: LogOptions) -> Log {
    Log::create(
        Arc::new(disk.clone()),
        Path::new(DIR),
        options,
        Position::start(WORKSPACE),
    )
    .unwrap()
}

fn append(log: &mut Log, payload: usize, room: Room) -> Result<Appended> {
    let version = Version(log.position().version.0 + 1);
    let events = vec![7; payload];
    log.append(
        &Draft {
            kind: Kind::Data,
            log_time_ns: version.0,
            wall_time_ns: 0,
            first_version: version,
            last_version: version,
            results: b"",
            mutations: b"",
            events: &events,
        },
        room,
    )
}

fn reopen(disk: &SimDisk) -> Log {
    disk.kill();
    LogScan::run(Arc::new(disk.clone()), Path::new(DIR), options(), None)
        .unwrap()
        .open()
        .unwrap()
}

#[test]
fn a_sync_covers_everything_that_was_appended_before_it() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    let sync = log.sync_handle();
    assert_eq!(sync.durable_seq(), 0);
    append(&mut log, 10, Room::Ordinary).unwrap();
    append(&mut log, 10, Room::Ordinary).unwrap();
    assert_eq!((sync.durable_seq(), sync.appended_seq()), (0, 2));
    assert_eq!(sync.sync().unwrap(), 2);
    let hits = failpoint::hits("journal.sync.before");
    assert_eq!(sync.sync().unwrap(), 2);
    assert_eq!(
        failpoint::hits("journal.sync.before"),
        hits,
        "nothing new, nothing to sync"
    );
}

#[test]
fn callers_of_sync_share_one_fsync() {
    let scope = failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    for _ in 0..5 {
        append(&mut log, 10, Room::Ordinary).unwrap();
    }
    std::thread::scope(|threads| {
        for _ in 0..8 {
            let sync = log.sync_handle();
            threads.spawn(move || {
                let _in = scope.enter();
                assert_eq!(sync.sync().unwrap(), 5);
            });
        }
    });
    assert_eq!(failpoint::hits("journal.sync.before"), 1);
}

#[test]
fn a_failed_fsync_is_never_tried_again() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    append(&mut log, 10, Room::Ordinary).unwrap();
    failpoint::arm("journal.sync.before", 1, Action::Eio);
    let sync = log.sync_handle();
    assert_eq!(sync.sync().unwrap_err().kind, ErrorKind::Fatal);
    assert_eq!(sync.sync().unwrap_err().kind, ErrorKind::Fatal);
    assert_eq!(
        append(&mut log, 10, Room::Freeing).unwrap_err().kind,
        ErrorKind::Fatal
    );
    assert!(sync.failed());
    assert_eq!(failpoint::hits("journal.sync.before"), 1);
}

#[test]
fn no_space_on_append_leaves_the_log_as_it_was() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    append(&mut log, 10, Room::Ordinary).unwrap();
    let file = Path::new(DIR).join("0000000000000001.log");
    let before = (disk.bytes(&file), log.position());
    failpoint::arm("journal.append.write", 1, Action::Enospc);
    assert_eq!(
        append(&mut log, 100, Room::Ordinary).unwrap_err().kind,
        ErrorKind::Full
    );
    assert_eq!((disk.bytes(&file), log.position()), before);
    assert_eq!(append(&mut log, 100, Room::Ordinary).unwrap().at.seq, 2);
    let log = reopen(&disk);
    assert_eq!(log.position().seq, 2);
}

#[test]
fn a_short_write_ends_the_log_and_is_cut_as_torn() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    append(&mut log, 10, Room::Ordinary).unwrap();
    failpoint::arm("journal.append.write", 1, Action::Short);
    assert_eq!(
        append(&mut log, 300, Room::Ordinary).unwrap_err().kind,
        ErrorKind::Fatal
    );
    disk.kill();
    let scan = LogScan::run(Arc::new(disk.clone()), Path::new(DIR), options(), None).unwrap();
    assert!(matches!(scan.verdict(), LogVerdict::TornTail { seq: 2, bytes_cut } if *bytes_cut > 100));
    assert_eq!(scan.open().unwrap().position().seq, 1);
}

#[test]
fn the_reserve_is_for_what_frees_space() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let small = LogOptions {
        limit_bytes: 48 << 10,
        ..options()
    };
    let mut log = create(&disk, small);
    let mut ordinary = 0;
    let refused = loop {
        match append(&mut log, 900, Room::Ordinary) {
            Ok(_) => ordinary += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind, ErrorKind::Full);
    let mut freeing = 0;
    while append(&mut log, 900, Room::Freeing).is_ok() {
        freeing += 1;
    }
    assert!(freeing >= (6 << 10) / 1100, "only {freeing} after {ordinary}");
    let mut upkeep = 0;
    while append(&mut log, 900, Room::Upkeep).is_ok() {
        upkeep += 1;
    }
    assert!(upkeep >= 1, "nothing is left after {freeing}");
    assert_eq!(
        append(&mut log, 900, Room::Upkeep).unwrap_err().kind,
        ErrorKind::Full
    );
    // Trimming makes room again, for everyone.
    log.sync_handle().sync().unwrap();
    assert!(log.upkeep().trim(log.position().seq - 1).unwrap() > 0);
    append(&mut log, 900, Room::Ordinary).unwrap();
    assert_eq!(reopen(&disk).position().seq, ordinary + freeing + upkeep + 1);
}

#[test]
fn prepared_files_keep_appends_from_making_any() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    let upkeep = log.upkeep();
    while upkeep.prepare_next().unwrap() {}
    for _ in 0..150 {
        while upkeep.wants_file() {
            assert!(upkeep.prepare_next().unwrap());
        }
        let before = failpoint::hits("journal.prepare.create");
        append(&mut log, 900, Room::Ordinary).unwrap();
        assert_eq!(failpoint::hits("journal.prepare.create"), before);
        log.sync_handle().sync().unwrap();
        upkeep.trim(log.position().seq.saturating_sub(20)).unwrap();
    }
    assert!(upkeep.usage().base.seq > 100);
    assert_eq!(reopen(&disk).position().seq, 150);
}

#[test]
fn trimming_keeps_every_segment_after_the_given_one() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    for _ in 0..100 {
        append(&mut log, 500, Room::Ordinary).unwrap();
    }
    let upkeep = log.upkeep();
    assert_eq!(upkeep.trim(101).unwrap_err().kind, ErrorKind::Invalid);
    for seq in [5, 30, 31, 60, 99, 100] {
        upkeep.trim(seq).unwrap();
        let base = upkeep.usage().base.seq;
        assert!(base <= seq);
        let mut reader = upkeep.reader(base).unwrap();
        let mut next = base;
        while let Some(segment) = reader.next().unwrap() {
            next += 1;
            assert_eq!(segment.header.seq, next);
        }
        assert_eq!(next, 100);
        if base > 0 {
            assert_eq!(upkeep.reader(base - 1).unwrap_err().kind, ErrorKind::Invalid);
        }
    }
    drop(log);
    let log = reopen(&disk);
    assert_eq!(log.position().seq, 100);
}

#[test]
fn a_reader_follows_appends_across_files() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    let mut reader = log.upkeep().reader(0).unwrap();
    assert!(reader.next().unwrap().is_none());
    for seq in 1..=80 {
        append(&mut log, 700, Room::Ordinary).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().header.seq, seq);
        assert!(reader.next().unwrap().is_none());
    }
    assert_eq!(reader.place(), log.position());
}

#[test]
fn without_syncs_nothing_is_claimed_durable() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let ephemeral = LogOptions {
        mode: Mode::Ephemeral,
        ..options()
    };
    let mut log = create(&disk, ephemeral);
    for _ in 0..10 {
        append(&mut log, 100, Room::Ordinary).unwrap();
        assert_eq!(log.sync_handle().sync().unwrap(), log.position().seq);
    }
    assert_eq!(failpoint::hits("journal.sync.before"), 0);
    let mut reader = log.upkeep().reader(0).unwrap();
    while let Some(segment) = reader.next().unwrap() {
        assert_eq!(segment.header.durable_seq, 0);
    }
}

#[test]
fn sizes_that_cannot_work_are_refused() {
    failpoint::isolate();
    for bad in [
        LogOptions {
            file_bytes: 100,
            ..options()
        },
        LogOptions {
            limit_bytes: 4096,
            ..options()
        },
    ] {
        let disk = SimDisk::new();
        let made = Log::create(Arc::new(disk), Path::new(DIR), bad, Position::start(WORKSPACE));
        assert_eq!(made.unwrap_err().kind, ErrorKind::Invalid);
    }
    let disk = SimDisk::new();
    let mut log = create(&disk, options());
    let again = Log::create(
        Arc::new(disk.clone()),
        Path::new(DIR),
        options(),
        Position::start(WORKSPACE),
    );
    assert_eq!(again.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(
        append(&mut log, 20_000, Room::Ordinary).unwrap_err().kind,
        ErrorKind::Invalid
    );
    assert_eq!(
        disk.list(Path::new(DIR)).unwrap(),
        ["0000000000000001.log", "STATE"]
    );
}
