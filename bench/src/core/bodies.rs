//! Bodies beside the filesystem: import of the corpus beside `tar x && sync`, publish of 1 GiB beside `cp` and fsync.

use crate::clock::Stopwatch;
use crate::report::{Bar, Good, Sample, median};
use crate::workload::{OWNER, Random, Scratch, name, open_embedded};
use anyhow::{Context, Result, anyhow, ensure};
use nokv_client::{Ack, Client, Namespace, PublishOptions, Settings, StreamSource};
use nokv_types::Target;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Bytes of the published checkpoint.
const CHECKPOINT_BYTES: u64 = 1 << 30;
/// Copies and publishes of one run.
const ROUNDS: usize = 3;

pub(crate) fn run() -> Result<Vec<Sample>> {
    let scratch = Scratch::new("bodies")?;
    let (import, tar) = import(scratch.path())?;
    let (publish, copy) = publish(scratch.path())?;
    Ok(vec![
        Sample::new(
            "import of the MLPerf corpus, beside tar x && sync",
            "MiB/s",
            import,
            Bar::Ratio(Good::More, 0.5),
        )
        .beside(tar),
        Sample::new(
            "publish of 1 GiB, beside cp and fsync",
            "MiB/s",
            publish,
            Bar::Ratio(Good::More, 0.7),
        )
        .beside(copy),
    ])
}

/// The corpus as an uncompressed tar.
fn plain_tar(dir: &Path) -> Result<PathBuf> {
    let corpus =
        PathBuf::from(std::env::var_os("NOKV_CORPUS").context("NOKV_CORPUS is set by cargo xtask bench")?);
    let tar = dir.join("corpus.tar");
    let status = Command::new("xz")
        .args(["-dc", "--"])
        .arg(&corpus)
        .stdout(File::create(&tar)?)
        .status()?;
    ensure!(status.success(), "xz ended with {status}");
    File::open(&tar)?.sync_all()?;
    Ok(tar)
}

fn import(dir: &Path) -> Result<(f64, f64)> {
    let tar = plain_tar(dir)?;
    let mib = std::fs::metadata(&tar)?.len() as f64 / f64::from(1 << 20);
    let unpacked = dir.join("unpacked");
    std::fs::create_dir(&unpacked)?;
    let watch = Stopwatch::start();
    let status = Command::new("tar")
        .arg("-xf")
        .arg(&tar)
        .arg("-C")
        .arg(&unpacked)
        .status()?;
    rustix::fs::syncfs(File::open(&unpacked)?)?;
    let beside = mib / watch.seconds();
    ensure!(status.success(), "tar ended with {status}");
    std::fs::remove_dir_all(&unpacked)?;
    let nokv = std::env::var_os("NOKV_BIN").context("NOKV_BIN is set by cargo xtask bench")?;
    let data = dir.join("import");
    let verb = |words: &[&str]| {
        let mut command = Command::new(&nokv);
        command
            .arg("--data")
            .arg(&data)
            .arg("--quiet")
            .args(words)
            .stdout(Stdio::null());
        command
    };
    ensure!(verb(&["init"]).status()?.success(), "nokv init failed");
    let watch = Stopwatch::start();
    let status = verb(&["import"]).arg(&tar).arg("/").status()?;
    let ours = mib / watch.seconds();
    ensure!(status.success(), "nokv import ended with {status}");
    std::fs::remove_file(&tar)?;
    Ok((ours, beside))
}

/// A file of bytes that do not compress.
pub(crate) fn checkpoint_file(path: &Path, bytes: u64, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let mut file = std::io::BufWriter::with_capacity(1 << 20, File::create(path)?);
    for _ in 0..bytes / 8 {
        file.write_all(&random.below(u64::MAX).to_le_bytes())?;
    }
    file.into_inner()
        .map_err(|error| anyhow!("{error}"))?
        .sync_all()?;
    Ok(())
}

/// Medians over [`ROUNDS`] rounds in which both copy the same file.
fn publish(dir: &Path) -> Result<(f64, f64)> {
    let source = dir.join("checkpoint.bin");
    checkpoint_file(&source, CHECKPOINT_BYTES, 5)?;
    let embedded = Arc::new(open_embedded(&dir.join("publish"))?);
    let root = embedded.root(b"main").map_err(|error| anyhow!("{error}"))?.node;
    let client = Client::new(embedded, Settings::default());
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // On a virtual machine the first touch of memory is dearer than the copy itself. What the copy before
        // each of the two leaves free has been touched lately, so that both find the same memory.
        copy(dir, &source)?;
        beside.push(copy(dir, &source)?);
        let target = Target::Name {
            parent: root,
            name: name(format!("checkpoint-{round}.bin").as_bytes())?,
            inode: OWNER,
            create_only: true,
        };
        let watch = Stopwatch::start();
        let mut body = StreamSource::new(File::open(&source)?);
        client
            .publish(target, &mut body, PublishOptions::default(), Ack::Durable)
            .map_err(|error| anyhow!("{error}"))?;
        ours.push(rate(&watch));
    }
    Ok((
        median(&ours).context("no rounds")?,
        median(&beside).context("no rounds")?,
    ))
}

/// One `cp` and fsync; the copy is removed again.
fn copy(dir: &Path, source: &Path) -> Result<f64> {
    let copy = dir.join("copy.bin");
    let watch = Stopwatch::start();
    ensure!(
        Command::new("cp").arg(source).arg(&copy).status()?.success(),
        "cp failed"
    );
    File::open(&copy)?.sync_all()?;
    let rate = rate(&watch);
    std::fs::remove_file(&copy)?;
    Ok(rate)
}

/// MiB per second of the published checkpoint.
fn rate(watch: &Stopwatch) -> f64 {
    CHECKPOINT_BYTES as f64 / f64::from(1 << 20) / watch.seconds()
}
