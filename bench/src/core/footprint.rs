//! One process that holds a million files: lookups, listings, memory, disk, idle CPU, all at the same time.

use super::{files, sqlite};
use crate::clock::{Stopwatch, cpu_seconds};
use crate::machine::{allocated, resident};
use crate::report::{Bar, Good, Sample};
use crate::workload::{Random, Scratch, Subject, file_name};
use anyhow::{Result, anyhow, ensure};
use nokv_client::Namespace;
use nokv_types::{Node, ReadPoint, Version};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LOOKUPS: u64 = 1_000_000;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let scratch = Scratch::new("footprint")?;
    let (before, _) = resident();
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let (made, peak) = while_watched(scratch.path(), || -> Result<_> {
        let dirs = subject.tree(root, files())?;
        let large = subject.mkdir(root, "large")?;
        subject.fill(large, files() / 10)?;
        Ok((dirs, large))
    })?;
    let (dirs, large) = made?;
    let mut samples = speeds(&subject, &dirs, large)?;
    subject
        .embedded
        .checkpoint()
        .map_err(|error| anyhow!("{error}"))?;
    samples.extend(sizes(&subject, before)?);
    samples.push(Sample::new(
        "disk, peak during creates: all files, log and spare room included",
        "B/file",
        peak as f64 / (files() + files() / 10) as f64,
        Bar::None,
    ));
    samples.push(Sample::new(
        "idle CPU of the open engine",
        "% of a core",
        idle_share() * 100.0,
        Bar::Value(Good::Less, 0.5),
    ));
    Ok(samples)
}

/// Runs `run` and answers the most that the files below `dir` took meanwhile, in bytes, looked at every 50 ms.
fn while_watched<T>(dir: &Path, run: impl FnOnce() -> T) -> Result<(T, u64)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = allocated(dir);
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
                peak = peak.max(allocated(dir));
            }
            peak
        });
        let made = run();
        done.store(true, Ordering::Relaxed);
        let peak = watch.join().map_err(|_| anyhow!("a thread panicked"))?;
        Ok((made, peak))
    })
}

/// Lookups and listings, warm, on one thread.
fn speeds(subject: &Subject, dirs: &[Node], large: Node) -> Result<Vec<Sample>> {
    let (positive, negative) = lookups(subject, dirs)?;
    let listing = list(subject, dirs, large)?;
    let fast = Bar::Value(Good::More, 400_000.0);
    let faster = Bar::Value(Good::More, 1_000_000.0);
    Ok(vec![
        Sample::new("lookups with attributes, warm, one thread", "/s", positive, fast)
            .beside(beside_sqlite()?),
        Sample::new(
            "negative lookups, beside positive ones",
            "/s",
            negative,
            Bar::Ratio(Good::More, 1.0),
        )
        .beside(positive),
        Sample::new("entries listed with attributes, streamed", "/s", listing, faster),
    ])
}

/// Disk and memory per file; `before` is what the process held before it opened anything.
fn sizes(subject: &Subject, before: u64) -> Result<Vec<Sample>> {
    let df = subject.embedded.df().map_err(|error| anyhow!("{error}"))?;
    let tail = subject.embedded.engine().stats().redo_bytes;
    let (steady, peak) = resident();
    let per_file = |bytes: u64| bytes as f64 / (files() + files() / 10) as f64;
    let (disk, memory) = (Bar::Value(Good::Less, 700.0), Bar::Value(Good::Less, 800.0));
    let steady = per_file(steady - before);
    Ok(vec![
        Sample::new(
            "disk after checkpoint: frames, manifest, redo tail",
            "B/file",
            per_file(df.frame_bytes + tail),
            disk,
        ),
        Sample::new("event files", "B/file", per_file(df.event_bytes), Bar::None),
        Sample::new(
            "checkpoint parts",
            "B/file",
            per_file(df.checkpoint_bytes),
            Bar::None,
        ),
        Sample::new("resident memory, steady", "B/file", steady, memory),
        Sample::new(
            "resident memory, peak beside steady",
            "B/file",
            per_file(peak - before),
            Bar::Ratio(Good::Less, 1.3),
        )
        .beside(steady),
    ])
}

fn head(node: Node) -> ReadPoint {
    ReadPoint {
        timeline: node.timeline,
        version: Version::HEAD,
    }
}

fn lookups(subject: &Subject, dirs: &[Node]) -> Result<(f64, f64)> {
    let mut random = Random::new(1);
    let mut rates = Vec::new();
    for offset in [0, 1000] {
        let questions: Vec<_> = (0..LOOKUPS)
            .map(|_| {
                let dir = dirs[random.below(dirs.len() as u64) as usize];
                Ok((dir, file_name(offset + random.below(1000))?))
            })
            .collect::<Result<_>>()?;
        let mut found = 0;
        let watch = Stopwatch::start();
        for (dir, name) in &questions {
            found += u64::from(subject.embedded.lookup(head(*dir), dir.ino, name).is_ok());
        }
        rates.push(LOOKUPS as f64 / watch.seconds());
        ensure!(
            found == if offset == 0 { LOOKUPS } else { 0 },
            "{found} lookups found something"
        );
    }
    Ok((rates[0], rates[1]))
}

fn list(subject: &Subject, dirs: &[Node], large: Node) -> Result<f64> {
    let mut listed = 0;
    let watch = Stopwatch::start();
    for dir in dirs.iter().chain([&large]) {
        let mut after = None;
        loop {
            let page = subject
                .embedded
                .readdir(head(*dir), dir.ino, after.as_ref(), 1000, true);
            let page = page.map_err(|error| anyhow!("{error}"))?;
            listed += page.entries.len();
            after = page.entries.last().map(|entry| entry.name.clone());
            if !page.more {
                break;
            }
        }
    }
    Ok(listed as f64 / watch.seconds())
}

/// The share of a core that the process uses while nobody asks anything.
fn idle_share() -> f64 {
    std::thread::sleep(Duration::from_secs(3));
    let (watch, before) = (Stopwatch::start(), cpu_seconds());
    std::thread::sleep(Duration::from_secs(10));
    (cpu_seconds() - before) / watch.seconds()
}

fn beside_sqlite() -> Result<f64> {
    let scratch = Scratch::new("sqlite-lookups")?;
    sqlite::creates_per_second(scratch.path(), 200_000, "NORMAL")?;
    sqlite::lookups_per_second(scratch.path(), 200_000, 200_000)
}
