//! Opening again: after a clean stop, and after SIGKILL with the redo tail at its limit.

use super::files;
use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample};
use crate::workload::{BATCH, Scratch, Subject, open_embedded};
use anyhow::{Context, Result, ensure};
use nokv_client::Namespace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CHILD: &str = "NOKV_BENCH_REOPEN_CHILD";
/// Where the child notes the length of the redo tail that it leaves.
const TAIL: &str = "redo-tail";

pub(crate) fn run() -> Result<Vec<Sample>> {
    if let Some(dir) = std::env::var_os(CHILD) {
        return child(&PathBuf::from(dir));
    }
    let scratch = Scratch::new("reopen")?;
    {
        let mut subject = Subject::open(scratch.path())?;
        let root = subject.root()?;
        subject.tree(root, files())?;
        subject
            .embedded
            .close()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    let clean = open_time(scratch.path())?;
    let killed = scratch.path().join("killed");
    std::fs::create_dir(&killed)?;
    kill_child(&killed)?;
    let tail = redo_tail(&killed)?;
    let dirty = open_time(&killed)?;
    Ok(vec![
        Sample::new(
            "reopen after a clean stop, 1 M files",
            "s",
            clean,
            Bar::Value(Good::Less, 1.0),
        ),
        Sample::new(
            "reopen after SIGKILL, 1 M files, redo tail at its limit",
            "s",
            dirty,
            Bar::Value(Good::Less, 3.0),
        ),
        Sample::new("redo tail at that SIGKILL", "MiB", tail, Bar::None),
    ])
}

fn open_time(dir: &Path) -> Result<f64> {
    let watch = Stopwatch::start();
    let embedded = open_embedded(&dir.join("data"))?;
    let stat = embedded.statfs().map_err(|error| anyhow::anyhow!("{error}"))?;
    let time = watch.seconds();
    ensure!(stat.inodes > files(), "only {} inodes came back", stat.inodes);
    Ok(time)
}

/// What the child noted before it died.
fn redo_tail(dir: &Path) -> Result<f64> {
    let bytes: u64 = std::fs::read_to_string(dir.join(TAIL))?.parse()?;
    ensure!(
        bytes >= nokv_metad::REDO_BYTES_MAX,
        "a redo tail of {bytes} bytes"
    );
    Ok(bytes as f64 / f64::from(1 << 20))
}

/// Makes a namespace that is published whole, lets the redo tail grow to its limit, and dies without warning.
fn child(dir: &Path) -> Result<Vec<Sample>> {
    {
        let mut subject = Subject::open(dir)?;
        let root = subject.root()?;
        subject.tree(root, files())?;
        let saved = subject.embedded.checkpoint();
        saved.map_err(|error| anyhow::anyhow!("{error}"))?;
        let closed = subject.embedded.close();
        closed.map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    let mut subject = Subject::open_unpublished(dir)?;
    let root = subject.root()?;
    let extra = subject.mkdir(root, "extra")?;
    let mut number = 0;
    while redo_bytes(&subject) < nokv_metad::REDO_BYTES_MAX {
        let batch = subject.creates(extra, number..number + BATCH)?;
        subject.must(batch, nokv_client::Ack::Durable)?;
        number += BATCH;
    }
    std::fs::write(dir.join(TAIL), redo_bytes(&subject).to_string())?;
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    Ok(Vec::new())
}

fn redo_bytes(subject: &Subject) -> u64 {
    subject.embedded.engine().stats().redo_bytes
}

fn kill_child(dir: &Path) -> Result<()> {
    let status = Command::new(std::env::current_exe()?)
        .args(["part", "reopen"])
        .env(CHILD, dir)
        .stdout(Stdio::null())
        .status()
        .context("start the child")?;
    ensure!(!status.success(), "the child ended by itself");
    Ok(())
}
