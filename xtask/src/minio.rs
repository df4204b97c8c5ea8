//! The S3 server that the object store tests start, built from a pinned Go module.
//!
//! Invariant: a binary in the cache was built from exactly the go.mod and go.sum that name its folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::process::{command, output, succeeds};
use crate::setup::find_program;

/// The module that pins the server.
const MODULE: &str = "e2e/minio";
/// The package in it that is built.
const PACKAGE: &str = "github.com/minio/minio";
/// Names the binary, to tests and to users who bring their own.
pub(crate) const ENV: &str = "NOKV_TEST_MINIO";

/// The path of the server's binary, built when the cache does not hold it.
pub(crate) fn ready(paths: &Paths) -> Result<PathBuf> {
    if let Some(own) = env::var_os(ENV).filter(|value| !value.is_empty()) {
        let own = PathBuf::from(own);
        if !own.is_file() {
            bail!("{ENV} names {}, which is not a file", own.display());
        }
        return Ok(own);
    }
    let module = paths.root.join(MODULE);
    let dir = paths.cache.join("bin").join(key(&module)?);
    let binary = dir.join("minio");
    if !binary.is_file() {
        build(&module, &dir, &binary)?;
    }
    Ok(binary)
}

/// A name for what the module pins: changes whenever a version does.
fn key(module: &Path) -> Result<String> {
    let sums = output(command("sha256sum", module).args(["go.mod", "go.sum"]))?;
    let first_digits = |line: &str| line.chars().take(8).collect::<String>();
    Ok(sums.lines().map(first_digits).collect::<Vec<_>>().join("-"))
}

fn build(module: &Path, dir: &Path, binary: &Path) -> Result<()> {
    if find_program("go").is_none() {
        bail!(
            "Go is needed to build MinIO for the S3 tests: install Go 1.26, or name a MinIO binary in {ENV}"
        );
    }
    println!("setup: building MinIO from source, once (about two minutes on two cores)");
    let start = Instant::now();
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    // Built beside its place and renamed, so that an interrupted build leaves no half binary to run.
    let unfinished = dir.join(format!("minio.{}", std::process::id()));
    let mut go = command("go", module);
    go.env("CGO_ENABLED", "0")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o"]);
    if !succeeds(go.arg(&unfinished).arg(PACKAGE))? {
        bail!(
            "MinIO could not be built from {MODULE}: its modules are fetched through GOPROXY, so check the network; \
             or name a MinIO binary in {ENV}"
        );
    }
    fs::rename(&unfinished, binary).with_context(|| format!("cannot place {}", binary.display()))?;
    println!("setup: MinIO built in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
