//! Removing a million files with a snapshot held: in one step with background reclaim, and entry by entry.

use super::files;
use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample, quantile};
use crate::workload::{BATCH, OWNER, Scratch, Subject, file_name, name};
use anyhow::{Result, anyhow, ensure};
use nokv_client::{Ack, At, Namespace};
use nokv_types::{Command, NewKind, Node, Request};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) fn run() -> Result<Vec<Sample>> {
    let (reclaimed, worst) = detached()?;
    let by_hand = entry_by_entry()?;
    Ok(vec![
        Sample::new(
            "reclaim of a removed tree, a snapshot held",
            "entries/s",
            reclaimed,
            Bar::Value(Good::More, 40_000.0),
        ),
        Sample::new(
            "p99 of foreground creates meanwhile",
            "ms",
            worst,
            Bar::Value(Good::Less, 20.0),
        ),
        Sample::new(
            "rm -r entry by entry, a snapshot held",
            "entries/s",
            by_hand,
            Bar::Value(Good::More, 40_000.0),
        ),
    ])
}

fn prepare(scratch: &Scratch) -> Result<(Subject, Node, Vec<Node>)> {
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let tree = subject.mkdir(root, "tree")?;
    let dirs = subject.tree(tree, files())?;
    subject.run(Command::SnapshotCreate {
        key: b"held".to_vec(),
        node: root,
        holder: b"bench".to_vec(),
        lease_ns: None,
    })?;
    Ok((subject, root, dirs))
}

/// The snapshot still shows every file.
fn check_snapshot(subject: &Subject, dirs: &[Node]) -> Result<()> {
    let view = subject
        .embedded
        .resolve_at(b"main", &At::Snapshot(b"held".to_vec()))
        .map_err(|error| anyhow!("{error}"))?;
    let mut seen = 0;
    for dir in dirs {
        let mut after = None;
        loop {
            let page = subject
                .embedded
                .readdir(view.point, dir.ino, after.as_ref(), 1000, true);
            let page = page.map_err(|error| anyhow!("{error}"))?;
            seen += page.entries.len() as u64;
            after = page.entries.last().map(|entry| entry.name.clone());
            if !page.more {
                break;
            }
        }
    }
    ensure!(seen == files(), "the snapshot shows {seen} of {} files", files());
    Ok(())
}

fn detached() -> Result<(f64, f64)> {
    let scratch = Scratch::new("reclaim")?;
    let (mut subject, root, dirs) = prepare(&scratch)?;
    let other = subject.mkdir(root, "other")?;
    let done = AtomicBool::new(false);
    let watch = Stopwatch::start();
    subject.run(Command::RemoveTree {
        parent: root,
        name: name(b"tree")?,
    })?;
    let (rate, times) = std::thread::scope(|scope| -> Result<(f64, Vec<f64>)> {
        let embedded = &subject.embedded;
        let foreground = scope.spawn(|| create_steadily(embedded, other, &done));
        let reclaimed = loop {
            let stat = embedded.statfs().map_err(|error| anyhow!("{error}"))?;
            if stat.inodes < files() / 10 && stat.inodes < 50_000 {
                break files() as f64 / watch.seconds();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        done.store(true, Ordering::Relaxed);
        Ok((
            reclaimed,
            foreground.join().map_err(|_| anyhow!("a thread panicked"))??,
        ))
    })?;
    check_snapshot(&subject, &dirs)?;
    Ok((rate, quantile(&times, 0.99)))
}

/// Creates at 500/s until told to stop; sorted latencies in ms.
fn create_steadily(embedded: &dyn Namespace, dir: Node, done: &AtomicBool) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    let start = Stopwatch::start();
    while !done.load(Ordering::Relaxed) {
        let number = times.len() as u64;
        let due = number as f64 / 500.0;
        while start.seconds() < due {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        let create = Command::Create {
            parent: dir,
            name: file_name(number)?,
            inode: OWNER,
            kind: NewKind::File,
        };
        for answer in embedded.submit(vec![Request::internal(create)], Ack::Durable) {
            answer.map_err(|refusal| anyhow!("{refusal}"))?;
        }
        times.push((start.seconds() - due) * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn entry_by_entry() -> Result<f64> {
    let scratch = Scratch::new("rm")?;
    let (mut subject, _, dirs) = prepare(&scratch)?;
    let watch = Stopwatch::start();
    for dir in &dirs {
        for from in (0..1000).step_by(BATCH as usize) {
            let mut batch = Vec::new();
            for number in from..(from + BATCH).min(1000) {
                batch.push(subject.request(Command::Unlink {
                    parent: *dir,
                    name: file_name(number)?,
                }));
            }
            subject.must(batch, Ack::Durable)?;
        }
    }
    let rate = files() as f64 / watch.seconds();
    check_snapshot(&subject, &dirs)?;
    Ok(rate)
}
