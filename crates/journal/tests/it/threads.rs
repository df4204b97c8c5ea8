//! One thread appends while others sync, read, prepare, note and trim.

use crate::sim::SimDisk;
use crate::workload::{WORKSPACE, options};
use nokv_journal::{Draft, ErrorKind, Kind, Log, LogScan, LogVerdict, Position, Room};
use nokv_types::{Version, failpoint};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SEGMENTS: u64 = 3000;

fn append(log: &mut Log, version: u64) -> nokv_journal::Result<()> {
    let events = version.to_le_bytes().repeat(1 + version as usize % 40);
    let draft = Draft {
        kind: Kind::Data,
        log_time_ns: version,
        wall_time_ns: version,
        first_version: Version(version),
        last_version: Version(version),
        results: b"",
        mutations: b"",
        events: &events,
    };
    log.append(&draft, Room::Ordinary).map(drop)
}

/// Ends everybody when a thread panics: the others wait for what it would have done.
struct EndsOnPanic<'a>(&'a AtomicBool);

impl Drop for EndsOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

#[test]
fn a_reader_sees_every_segment_in_order_while_the_log_is_synced_prepared_and_trimmed() {
    let scope = failpoint::isolate();
    let disk = SimDisk::new();
    let dir = Path::new("/log");
    let mut log = Log::create(Arc::new(disk.clone()), dir, options(), Position::start(WORKSPACE)).unwrap();
    let (sync, upkeep) = (log.sync_handle(), log.upkeep());
    let done = AtomicBool::new(false);
    let read_to = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (_in, _ends) = (scope.enter(), EndsOnPanic(&done));
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let durable = sync.sync().unwrap();
                assert!(durable >= last && durable <= sync.appended_seq());
                last = durable;
                upkeep.note_durable().unwrap();
            }
        });
        threads.spawn(|| {
            let (_in, _ends) = (scope.enter(), EndsOnPanic(&done));
            let mut reader = upkeep.reader(0).unwrap();
            while reader.place().seq < SEGMENTS && !done.load(Ordering::Acquire) {
                let expected = reader.place().seq + 1;
                if let Some(segment) = reader.next().unwrap() {
                    assert_eq!(segment.header.seq, expected);
                    assert_eq!(segment.events[..8], expected.to_le_bytes());
                    read_to.store(expected, Ordering::Release);
                } else {
                    std::thread::yield_now();
                }
            }
        });
        threads.spawn(|| {
            let (_in, _ends) = (scope.enter(), EndsOnPanic(&done));
            while !done.load(Ordering::Acquire) {
                match upkeep.prepare_next() {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind, ErrorKind::Full),
                }
                upkeep.trim(read_to.load(Ordering::Acquire)).unwrap();
            }
        });
        let _ends = EndsOnPanic(&done);
        let mut version = 1;
        while version <= SEGMENTS && !done.load(Ordering::Acquire) {
            match append(&mut log, version) {
                Ok(()) => version += 1,
                // The reader holds the trimming back: wait for it.
                Err(error) if error.kind == ErrorKind::Full => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        while read_to.load(Ordering::Acquire) < SEGMENTS && !done.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        done.store(true, Ordering::Release);
    });
    assert!(upkeep.usage().base.seq > SEGMENTS / 2);
    disk.kill();
    let scan = LogScan::run(Arc::new(disk), dir, options(), None).unwrap();
    assert_eq!(*scan.verdict(), LogVerdict::Clean);
    assert_eq!(scan.end().seq, SEGMENTS);
}
