//! What must not depend on the size of the tree: snapshot, fork, rollback, rename of a directory, detach.

use super::files;
use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample, median};
use crate::workload::{OWNER, Scratch, Subject, name};
use anyhow::{Context, Result};
use nokv_client::{Ack, Namespace as _};
use nokv_types::{Command, NewKind, Node, Origin, RenameMode};

const ROUNDS: usize = 201;
const OPERATIONS: [&str; 5] = [
    "snapshot",
    "fork",
    "rollback",
    "rename of a directory",
    "detach of a tree",
];

pub(crate) fn run() -> Result<Vec<Sample>> {
    let sizes: Vec<u64> = [1_000, 10_000, 100_000, 1_000_000]
        .into_iter()
        .filter(|size| *size <= files())
        .collect();
    let mut medians = vec![Vec::new(); OPERATIONS.len()];
    for size in &sizes {
        for (operation, time) in measure(*size)?.into_iter().enumerate() {
            medians[operation].push(time);
        }
    }
    let mut samples = Vec::new();
    for (operation, times) in OPERATIONS.iter().zip(&medians) {
        let (least, most) = (
            times.iter().copied().fold(f64::MAX, f64::min),
            times.iter().copied().fold(0.0, f64::max),
        );
        samples.push(Sample::new(
            format!("{operation}, without the fsync, slowest size"),
            "us",
            most,
            Bar::Value(Good::Less, 1000.0),
        ));
        samples.push(
            Sample::new(
                format!("{operation}, slowest size beside the fastest"),
                "us",
                most,
                Bar::Ratio(Good::Less, 1.5),
            )
            .beside(least),
        );
    }
    Ok(samples)
}

/// Medians of each operation on a tree of `size` entries, acknowledged when applied.
fn measure(size: u64) -> Result<Vec<f64>> {
    let scratch = Scratch::new("constant")?;
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let tree = subject.mkdir(root, "tree")?;
    subject.tree(tree, size)?;
    // What making the tree left to write in the background is not what is measured.
    subject
        .embedded
        .checkpoint()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut times = vec![Vec::new(); OPERATIONS.len()];
    for round in 0..ROUNDS {
        let key = format!("pin-{round}").into_bytes();
        times[0].push(timed(
            &mut subject,
            Command::SnapshotCreate {
                key: key.clone(),
                node: root,
                holder: b"bench".to_vec(),
                lease_ns: None,
            },
        )?);
        let fork = format!("fork-{round}").into_bytes();
        times[1].push(timed(
            &mut subject,
            Command::Fork {
                name: fork.clone(),
                origin: Origin::Snapshot(key.clone()),
            },
        )?);
        let keep = format!("keep-{round}").into_bytes();
        times[2].push(timed(
            &mut subject,
            Command::Rollback {
                name: fork.clone(),
                origin: Origin::Snapshot(key),
                keep: keep.clone(),
            },
        )?);
        let (from, to) = if round % 2 == 0 {
            ("tree", "moved")
        } else {
            ("moved", "tree")
        };
        times[3].push(timed(&mut subject, rename(root, from, to)?)?);
        // The tree is detached from a fork, so that it is there for the next round.
        let detach = fork_root(&subject, &fork)?;
        let there = if round % 2 == 0 { "tree" } else { "moved" };
        times[4].push(timed(
            &mut subject,
            Command::RemoveTree {
                parent: detach,
                name: name(there.as_bytes())?,
            },
        )?);
        tidy_up(&mut subject, fork, keep);
    }
    let probe = Command::Create {
        parent: root,
        name: name(b"end")?,
        inode: OWNER,
        kind: NewKind::File,
    };
    subject.run(probe)?;
    let medians: Vec<f64> = times
        .iter()
        .map(|times| median(times).context("no rounds"))
        .collect::<Result<_>>()?;
    eprintln!("{size} entries: {medians:.1?} us");
    Ok(medians)
}

/// Lets the fork and the replaced state of a round go.
fn tidy_up(subject: &mut Subject, fork: Vec<u8>, keep: Vec<u8>) {
    let holder = Vec::new();
    for command in [
        Command::RootDelete { name: fork },
        Command::SnapshotRelease { key: keep, holder },
    ] {
        let request = subject.request(command);
        let _ = nokv_client::Namespace::submit(&subject.embedded, vec![request], Ack::Applied);
    }
}

fn timed(subject: &mut Subject, command: Command) -> Result<f64> {
    let request = subject.request(command);
    let watch = Stopwatch::start();
    subject.must(vec![request], Ack::Applied)?;
    Ok(watch.seconds() * 1e6)
}

fn rename(root: Node, from: &str, to: &str) -> Result<Command> {
    let (from_name, to_name) = (name(from.as_bytes())?, name(to.as_bytes())?);
    Ok(Command::Rename {
        from: root,
        from_name,
        to: root,
        to_name,
        mode: RenameMode::NoReplace,
    })
}

fn fork_root(subject: &Subject, fork: &[u8]) -> Result<Node> {
    let root =
        nokv_client::Namespace::root(&subject.embedded, fork).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(root.node)
}
