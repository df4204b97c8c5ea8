//! What changed between two states of a large tree costs what changed.

use super::files;
use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample};
use crate::workload::{Random, Scratch, Subject, file_name};
use anyhow::{Result, anyhow, ensure};
use nokv_client::{Ack, At, Namespace};
use nokv_types::{AttrChange, Command, Node};
use std::collections::BTreeSet;

const CHANGES: u64 = 1000;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let scratch = Scratch::new("diff")?;
    let mut subject = Subject::open(scratch.path())?;
    let root = subject.root()?;
    let dirs = subject.tree(root, files())?;
    let before = subject.embedded.version().map_err(|error| anyhow!("{error}"))?;
    let changed = change(&mut subject, &dirs)?;
    let resolve = |at: &At| {
        subject
            .embedded
            .resolve_at(b"main", at)
            .map_err(|error| anyhow!("{error}"))
    };
    let (from, to) = (resolve(&At::Version(before))?, resolve(&At::Head)?);
    let mut times = Vec::new();
    for _ in 0..5 {
        let watch = Stopwatch::start();
        let page = subject
            .embedded
            .diff(from, to, None, 10_000)
            .map_err(|error| anyhow!("{error}"))?;
        times.push(watch.seconds() * 1e3);
        ensure!(
            page.entries.len() >= changed,
            "{} differences of {changed}",
            page.entries.len()
        );
    }
    let time = crate::report::median(&times).unwrap_or(f64::NAN);
    Ok(vec![Sample::new(
        "diff of 1,000 changes in a tree of 10^6",
        "ms",
        time,
        Bar::Value(Good::Less, 20.0),
    )])
}

/// Changes files all over the tree; answers how many.
fn change(subject: &mut Subject, dirs: &[Node]) -> Result<usize> {
    let mut random = Random::new(3);
    let mut chosen = BTreeSet::new();
    while (chosen.len() as u64) < CHANGES {
        chosen.insert((random.below(dirs.len() as u64), random.below(1000)));
    }
    for (dir, number) in &chosen {
        let dir = dirs[*dir as usize];
        let point = nokv_client::View::head_of(dir).point;
        let found = subject
            .embedded
            .lookup(point, dir.ino, &file_name(*number)?)
            .map_err(|error| anyhow!("{error}"))?;
        let change = AttrChange {
            mode: Some(0o600),
            ..AttrChange::default()
        };
        let request = subject.request(Command::SetAttr {
            node: found.node,
            change,
        });
        subject.must(vec![request], Ack::Applied)?;
    }
    Ok(chosen.len())
}
