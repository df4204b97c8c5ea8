//! Import, snapshots, forks, death and recovery, through the `nokv` binary.

use super::{Asked, Nokv, Story};
use crate::clock::Stopwatch;
use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// Result files of runs below a directory.
fn runs(nokv: &Nokv, extra: &[&str]) -> Result<usize> {
    let mut words = vec!["find", "/mlp", "--name", "result_*.txt"];
    words.extend_from_slice(extra);
    Ok(nokv.rows(&words)?.len())
}

pub(crate) fn import(story: &mut Story, nokv: &Nokv, asked: &Asked) -> Result<()> {
    nokv.run(&["init"])?;
    let watch = Stopwatch::start();
    let corpus = asked.corpus.to_str().context("the corpus' path is not text")?;
    nokv.run(&["import", corpus, "/"])?;
    let took = watch.elapsed();
    let found = runs(nokv, &[])?;
    ensure!(found == 1949, "{found} runs were imported, not 1,949");
    story.tell(
        took,
        "imported the MLPerf Training v4.0 results: 1,949 runs from a tar.xz",
    );
    Ok(())
}

pub(crate) fn snapshot_and_delete(story: &mut Story, nokv: &Nokv) -> Result<()> {
    let before = runs(nokv, &[])?;
    let watch = Stopwatch::start();
    nokv.run(&["snapshot", "create", "before-cleanup"])?;
    story.tell(watch.elapsed(), "pinned a snapshot of everything");
    let submitters = nokv.rows(&["ls", "/mlp"])?;
    let names: Vec<String> = submitters
        .iter()
        .filter_map(|row| row["name"].as_str().map(str::to_owned))
        .collect();
    let watch = Stopwatch::start();
    for name in names.iter().step_by(2) {
        nokv.run(&["rm", "-r", "--yes", &format!("/mlp/{name}")])?;
    }
    let took = watch.elapsed();
    let after = runs(nokv, &[])?;
    ensure!(after < before, "nothing was deleted");
    let kept = runs(nokv, &["--at", "before-cleanup"])?;
    ensure!(kept == before, "the snapshot shows {kept} of {before} runs");
    let what = format!(
        "deleted {} runs of every other submitter; the snapshot still shows all {kept}",
        before - after
    );
    story.tell(took, &what);
    Ok(())
}

pub(crate) fn fork_diff_rollback(story: &mut Story, nokv: &Nokv) -> Result<()> {
    let watch = Stopwatch::start();
    nokv.run(&["fork", "create", "experiment", "--at", "before-cleanup"])?;
    story.tell(watch.elapsed(), "forked the snapshot");
    let watch = Stopwatch::start();
    nokv.run(&["--root", "experiment", "mkdir", "/notes"])?;
    nokv.run(&["--root", "experiment", "mv", "/mlp", "/results"])?;
    let differences = nokv.rows(&["diff", "main@before-cleanup", "experiment"])?;
    ensure!(!differences.is_empty(), "the fork shows no difference");
    let what = format!(
        "changed the fork; diff against the snapshot lists {} entries",
        differences.len()
    );
    story.tell(watch.elapsed(), &what);
    let watch = Stopwatch::start();
    nokv.run(&["rollback", "before-cleanup", "--yes"])?;
    let back = runs(nokv, &[])?;
    ensure!(back == 1949, "{back} runs are back, not 1,949");
    story.tell(
        watch.elapsed(),
        "rolled the workspace back: all 1,949 runs are there again",
    );
    Ok(())
}

pub(crate) fn die_and_recover(story: &mut Story, nokv: &Nokv, asked: &Asked) -> Result<()> {
    let corpus = asked.corpus.to_str().context("the corpus' path is not text")?;
    let mut child = nokv.start(&["import", corpus, "/second"])?;
    let watch = Stopwatch::start();
    while child.try_wait()?.is_none() && watch.elapsed() < Duration::from_millis(700) {
        std::thread::sleep(Duration::from_millis(10));
    }
    ensure!(
        child.try_wait()?.is_none(),
        "the import was over before it could be killed"
    );
    child.kill()?;
    child.wait()?;
    let watch = Stopwatch::start();
    let found = runs(nokv, &[])?;
    ensure!(found == 1949, "{found} runs after the crash, not 1,949");
    story.tell(
        watch.elapsed(),
        "killed an import with SIGKILL; the next command recovered and found all 1,949 runs",
    );
    let watch = Stopwatch::start();
    nokv.run(&["import", corpus, "/second"])?;
    let second = nokv.rows(&["find", "/second", "--name", "result_*.txt"])?.len();
    ensure!(second == 1949, "the resumed import has {second} runs");
    story.tell(watch.elapsed(), "resumed the killed import to its end");
    Ok(())
}

pub(crate) fn check_and_collect(story: &mut Story, nokv: &Nokv) -> Result<()> {
    let watch = Stopwatch::start();
    nokv.run(&["fsck"])?;
    story.tell(watch.elapsed(), "fsck: clean");
    let watch = Stopwatch::start();
    nokv.run(&["gc"])?;
    nokv.run(&["verify", "/mlp"])?;
    nokv.run(&["fsck"])?;
    story.tell(
        watch.elapsed(),
        "gc, verify of every body against its digest, fsck again: clean",
    );
    Ok(())
}
