//! Two hundred rollbacks and promotes in a row, fifty forks of forks: latency and space stay.

use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample, median};
use crate::workload::{OWNER, Scratch, Subject, file_name};
use anyhow::{Context, Result, anyhow};
use nokv_client::{Ack, GcOptions, Namespace};
use nokv_types::{Command, NewKind, Origin, Version};

const ROUNDS: usize = 200;
const FORKS: usize = 50;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let scratch = Scratch::new("churn")?;
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    subject.tree(root, 20_000)?;
    let before = space(&subject)?;
    subject.run(Command::SnapshotCreate {
        key: b"base".to_vec(),
        node: root,
        holder: b"bench".to_vec(),
        lease_ns: None,
    })?;
    let times = rollbacks(&mut subject)?;
    let early = median(&times[..20]).context("no rounds")?;
    let late = median(&times[ROUNDS - 20..]).context("no rounds")?;
    let forks = forks_of_forks(&mut subject)?;
    subject
        .embedded
        .gc(&GcOptions {
            ignore_grace: true,
            ..GcOptions::default()
        })
        .map_err(|error| anyhow!("{error}"))?;
    let after = space(&subject)?;
    Ok(vec![
        Sample::new(
            "rollback or promote, the last 20 of 200 beside the first 20",
            "us",
            late,
            Bar::Ratio(Good::Less, 1.5),
        )
        .beside(early),
        Sample::new(
            "fork of a fork, the last 10 of 50 beside the first 10",
            "us",
            forks.1,
            Bar::Ratio(Good::Less, 1.5),
        )
        .beside(forks.0),
        Sample::new(
            "rows in the store after gc, beside before",
            "rows",
            after,
            Bar::Ratio(Good::Less, 1.1),
        )
        .beside(before),
    ])
}

/// Rows that a full walk reads.
fn space(subject: &Subject) -> Result<f64> {
    Ok(subject
        .embedded
        .fsck(false)
        .map_err(|error| anyhow!("{error}"))?
        .rows as f64)
}

fn timed(subject: &mut Subject, command: Command) -> Result<f64> {
    let request = subject.request(command);
    let watch = Stopwatch::start();
    subject.must(vec![request], Ack::Applied)?;
    Ok(watch.seconds() * 1e6)
}

/// Each round changes something and then goes back, or forks, changes the fork and promotes it.
fn rollbacks(subject: &mut Subject) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let keep = format!("keep-{round}").into_bytes();
        let time = if round % 2 == 0 {
            let node = subject.root()?;
            subject.run(Command::Create {
                parent: node,
                name: file_name(round as u64)?,
                inode: OWNER,
                kind: NewKind::File,
            })?;
            let origin = Origin::Snapshot(b"base".to_vec());
            timed(
                subject,
                Command::Rollback {
                    name: b"main".to_vec(),
                    origin,
                    keep: keep.clone(),
                },
            )?
        } else {
            let fork = format!("fork-{round}").into_bytes();
            let origin = Origin::Root {
                name: b"main".to_vec(),
                version: Version::HEAD,
            };
            subject.run(Command::Fork {
                name: fork.clone(),
                origin,
            })?;
            let promote = Command::Promote {
                fork: fork.clone(),
                onto: b"main".to_vec(),
                discard_live: false,
                keep: keep.clone(),
            };
            let time = timed(subject, promote)?;
            let request = subject.request(Command::RootDelete { name: fork });
            let _ = subject.embedded.submit(vec![request], Ack::Applied);
            time
        };
        times.push(time);
        release(subject, keep);
    }
    Ok(times)
}

/// Lets go of a kept state, so that collecting garbage can free it.
fn release(subject: &mut Subject, key: Vec<u8>) {
    let Ok(pins) = subject.embedded.pins() else { return };
    for holder in pins
        .into_iter()
        .filter(|pin| pin.key == key)
        .flat_map(|pin| pin.holders)
    {
        let request = subject.request(Command::SnapshotRelease {
            key: key.clone(),
            holder,
        });
        let _ = subject.embedded.submit(vec![request], Ack::Applied);
    }
}

/// Forks of forks; a refusal for depth waits for the flatten. Medians of the first and the last ten.
fn forks_of_forks(subject: &mut Subject) -> Result<(f64, f64)> {
    let mut times = Vec::new();
    let mut parent = b"main".to_vec();
    for round in 0..FORKS {
        let name = format!("deep-{round}").into_bytes();
        let origin = Origin::Root {
            name: parent.clone(),
            version: Version::HEAD,
        };
        times.push(timed(
            subject,
            Command::Fork {
                name: name.clone(),
                origin,
            },
        )?);
        let root = subject.embedded.root(&name).map_err(|error| anyhow!("{error}"))?;
        subject.run(Command::Create {
            parent: root.node,
            name: file_name(900_000 + round as u64)?,
            inode: OWNER,
            kind: NewKind::File,
        })?;
        parent = name;
    }
    for round in (0..FORKS).rev() {
        subject.run(Command::RootDelete {
            name: format!("deep-{round}").into_bytes(),
        })?;
    }
    let first = median(&times[..10]).context("no rounds")?;
    let last = median(&times[FORKS - 10..]).context("no rounds")?;
    Ok((first, last))
}
