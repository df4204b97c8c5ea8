//! Prints what an append and its fdatasync cost beside a bare 4 KiB pwrite and fdatasync, in one run.
//!
//! `append_rate DIR`: uses a new directory in DIR. The three kinds alternate one by one, so that a busy disk is
//! busy for all of them.

use nokv_journal::{Draft, Kind, Log, LogOptions, Mode, OsDisk, Position, Room, WorkspaceId};
use nokv_types::Version;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 20;
const PER_ROUND: usize = 100;
const BARE_BYTES: u64 = 64 << 20;

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn now() -> Instant {
    Instant::now()
}

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let base = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = base.join(format!("nokv-append-rate-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = run(&dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn run(dir: &std::path::Path) -> Result<(), AnyError> {
    let bare = std::fs::File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(dir.join("bare"))?;
    for at in 0..BARE_BYTES >> 20 {
        bare.write_all_at(&vec![0; 1 << 20], at << 20)?;
    }
    bare.sync_all()?;
    let workspace = WorkspaceId([1; 16]);
    let options = LogOptions::new(workspace, 1, Mode::Volume);
    let mut log = Log::create(
        Arc::new(OsDisk),
        &dir.join("log"),
        options,
        Position::start(workspace),
    )?;
    while log.upkeep().prepare_next()? {}

    let (mut bare_us, mut one_us, mut batch_us, mut encode_us) = (vec![], vec![], vec![], vec![]);
    let mut offset = 0;
    for _ in 0..ROUNDS {
        for _ in 0..PER_ROUND {
            let start = now();
            bare.write_all_at(&[1; 4096], offset)?;
            bare.sync_data()?;
            bare_us.push(start.elapsed().as_secs_f64() * 1e6);
            offset = (offset + 4096) % BARE_BYTES;
            one_us.push(append(&mut log, 200, true)?);
            batch_us.push(append(&mut log, 20 << 10, true)?);
        }
        for _ in 0..PER_ROUND / 10 {
            encode_us.push(append(&mut log, 64 << 10, false)?);
        }
        while log.upkeep().prepare_next()? {}
        log.sync_handle().sync()?;
        log.upkeep().trim(log.position().seq)?;
    }
    let bare = report("bare 4 KiB pwrite + fdatasync", &mut bare_us, 1, None);
    report("append of 200 bytes + sync", &mut one_us, 1, Some(bare));
    report(
        "append of 20 KiB (128 commands) + sync",
        &mut batch_us,
        128,
        Some(bare),
    );
    report("append of 64 KiB, no sync", &mut encode_us, 1, None);
    Ok(())
}

/// Appends a segment with this payload; answers the microseconds.
fn append(log: &mut Log, payload: usize, sync: bool) -> Result<f64, AnyError> {
    let section = vec![5; payload / 2];
    let version = Version(log.position().version.0 + 1);
    let draft = Draft {
        kind: Kind::Data,
        log_time_ns: 1,
        wall_time_ns: 1,
        first_version: version,
        last_version: version,
        results: b"",
        mutations: &section,
        events: &section,
    };
    let start = now();
    log.append(&draft, Room::Ordinary)?;
    if sync {
        log.sync_handle().sync()?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

/// Prints one line; answers the median.
#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn report(name: &str, times_us: &mut [f64], commands: u32, bare: Option<f64>) -> f64 {
    times_us.sort_by(f64::total_cmp);
    let at = |share: usize| times_us[times_us.len() * share / 100];
    let mean = times_us.iter().sum::<f64>() / f64::from(times_us.len() as u32);
    let rate = f64::from(commands) * 1e6 / mean;
    let ratio = bare.map_or(String::new(), |bare| format!("  p50 / bare {:.2}", at(50) / bare));
    println!(
        "{name:40} p50 {:7.1} us  p90 {:7.1}  p99 {:8.1}  {rate:9.0}/s{ratio}",
        at(50),
        at(90),
        at(99)
    );
    at(50)
}
