//! Removing a million files with a snapshot held: in one step with background reclaim, and entry by entry.

use super::files;
use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample, quantile};
use crate::workload::{BATCH, DIR_FILES, OWNER, Scratch, Subject, file_name, name};
use anyhow::{Result, anyhow, ensure};
use nokv_client::{Ack, At, Namespace};
use nokv_types::{Command, NewKind, Node, Request};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A tree with a snapshot of it.
struct Tree {
    subject: Subject,
    root: Node,
    dirs: Vec<Node>,
    /// Inodes that there are without the tree.
    others: u64,
}

pub(crate) fn run() -> Result<Vec<Sample>> {
    let (reclaimed, worst, listed) = detached()?;
    let by_hand = entry_by_entry()?;
    let rate = Bar::Value(Good::More, 40_000.0);
    Ok(vec![
        Sample::new(
            "reclaim of a removed tree, a snapshot held",
            "entries/s",
            reclaimed,
            rate,
        ),
        Sample::new(
            "p99 of foreground creates meanwhile",
            "ms",
            worst,
            Bar::Value(Good::Less, 20.0),
        ),
        Sample::new(
            "listing of the removed tree through the snapshot",
            "entries/s",
            listed,
            Bar::None,
        ),
        Sample::new(
            "rm -r entry by entry, a snapshot held",
            "entries/s",
            by_hand,
            rate,
        ),
    ])
}

fn prepare(scratch: &Scratch) -> Result<Tree> {
    let mut subject = Subject::open(scratch.path())?;
    let others = inodes(&subject)?;
    let root = subject.root()?;
    let tree = subject.mkdir(root, "tree")?;
    let dirs = subject.tree(tree, files())?;
    subject.run(Command::SnapshotCreate {
        key: b"held".to_vec(),
        node: root,
        holder: b"bench".to_vec(),
        lease_ns: None,
    })?;
    Ok(Tree {
        subject,
        root,
        dirs,
        others,
    })
}

fn inodes(subject: &Subject) -> Result<u64> {
    let stat = subject.embedded.statfs();
    Ok(stat.map_err(|error| anyhow!("{error}"))?.inodes)
}

/// The snapshot still shows every file; answers how many entries were listed per second.
fn check_snapshot(subject: &Subject, dirs: &[Node]) -> Result<f64> {
    let watch = Stopwatch::start();
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
    Ok(seen as f64 / watch.seconds())
}

/// Entries reclaimed per second until the last one is gone, the p99 of creates beside it in ms, and how fast the
/// snapshot lists what was removed.
fn detached() -> Result<(f64, f64, f64)> {
    let scratch = Scratch::new("reclaim")?;
    let mut tree = prepare(&scratch)?;
    let other = tree.subject.mkdir(tree.root, "other")?;
    let others = tree.others + 1;
    let (done, made) = (AtomicBool::new(false), AtomicU64::new(0));
    let watch = Stopwatch::start();
    tree.subject.run(Command::RemoveTree {
        parent: tree.root,
        name: name(b"tree")?,
    })?;
    let (rate, times) = std::thread::scope(|scope| -> Result<(f64, Vec<f64>)> {
        let embedded = &tree.subject.embedded;
        let foreground = scope.spawn(|| create_steadily(embedded, other, &done, &made));
        let gone = wait_until_gone(&tree.subject, others, &made);
        let rate = files() as f64 / watch.seconds();
        done.store(true, Ordering::Relaxed);
        let times = foreground.join().map_err(|_| anyhow!("a thread panicked"))??;
        gone.map(|()| (rate, times))
    })?;
    let listed = check_snapshot(&tree.subject, &tree.dirs)?;
    Ok((rate, quantile(&times, 0.99), listed))
}

/// Waits until there are no inodes but `others` and those `made` meanwhile.
fn wait_until_gone(subject: &Subject, others: u64, made: &AtomicU64) -> Result<()> {
    loop {
        // Asked before: a file that is made in between counts as one that is left.
        let made = made.load(Ordering::Acquire);
        let left = inodes(subject)?.saturating_sub(others + made);
        if left == 0 {
            return Ok(());
        }
        // A fraction of what is measured, however far it is.
        std::thread::sleep(Duration::from_micros(left.clamp(300, 20_000)));
    }
}

/// Creates at 500/s until told to stop, counting in `made`; sorted latencies from the scheduled times, in ms.
fn create_steadily(
    embedded: &dyn Namespace,
    dir: Node,
    done: &AtomicBool,
    made: &AtomicU64,
) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    let start = Stopwatch::start();
    while !done.load(Ordering::Relaxed) {
        let number = times.len() as u64;
        let due = number as f64 / 500.0;
        while start.seconds() < due {
            std::thread::sleep(Duration::from_micros(200));
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
        made.store(number + 1, Ordering::Release);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn entry_by_entry() -> Result<f64> {
    let scratch = Scratch::new("rm")?;
    let Tree {
        mut subject,
        dirs,
        others,
        ..
    } = prepare(&scratch)?;
    let watch = Stopwatch::start();
    let mut left = files();
    for dir in &dirs {
        let count = left.min(DIR_FILES);
        left -= count;
        for from in (0..count).step_by(BATCH as usize) {
            let mut batch = Vec::new();
            for number in from..(from + BATCH).min(count) {
                batch.push(subject.request(Command::Unlink {
                    parent: *dir,
                    name: file_name(number)?,
                }));
            }
            subject.must(batch, Ack::Durable)?;
        }
    }
    let rate = files() as f64 / watch.seconds();
    let stay = others + 1 + dirs.len() as u64;
    let there = inodes(&subject)?;
    ensure!(there == stay, "{there} inodes are there instead of {stay}");
    check_snapshot(&subject, &dirs)?;
    Ok(rate)
}
