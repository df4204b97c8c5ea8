//! The archive of real runs, believed only after its hash was checked.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::process::{command, succeeds};

/// The path of the archive, whose bytes are those that the clone's `.sha256` file names.
pub(crate) fn checked(paths: &Paths) -> Result<PathBuf> {
    let archive = paths.corpus_archive();
    let dir = archive.parent().context("the archive stands in no folder")?;
    let sums = archive.with_extension("xz.sha256");
    if !succeeds(
        command("sha256sum", dir)
            .args(["--check", "--strict", "--status"])
            .arg(&sums),
    )? {
        bail!(
            "{} is not the archive that its .sha256 names: restore it with `git checkout -- bench/data`",
            archive.display()
        );
    }
    Ok(archive)
}
