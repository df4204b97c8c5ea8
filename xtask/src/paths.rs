//! Where things are: the root of the clone and the cache outside it.
//!
//! Owns: the choice of the target folder. Invariant: nothing is written inside the clone but `bench/out`
//! and what a person asks for.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that every command works with.
pub(crate) struct Paths {
    /// The root of the clone.
    pub(crate) root: PathBuf,
    /// `$XDG_CACHE_HOME/nokv`, for what may be thrown away.
    pub(crate) cache: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// Whether `target` is ours to prune: an explicit `CARGO_TARGET_DIR` is not.
    pub(crate) target_is_ours: bool,
}

impl Paths {
    /// Finds the folders from the environment and from where this tool was built.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask does not stand in a folder of the clone")?
            .to_path_buf();
        let cache = cache_home()?.join("nokv");
        let explicit = env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
        let target_is_ours = explicit.is_none();
        let target = match explicit {
            Some(dir) => env::current_dir()?.join(dir),
            None => cache.join("target"),
        };
        Ok(Self {
            root,
            cache,
            target,
            target_is_ours,
        })
    }

    /// The real data that the demo and the benchmarks import.
    pub(crate) fn corpus_archive(&self) -> PathBuf {
        self.root.join("bench/data/mlperf-training-v4.0-results.tar.xz")
    }

    /// Where benchmarks leave their figures.
    pub(crate) fn bench_out(&self) -> PathBuf {
        self.root.join("bench/out")
    }
}

fn cache_home() -> Result<PathBuf> {
    // The XDG rules ask to ignore a relative path here.
    let explicit = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    match explicit {
        Some(dir) => Ok(dir),
        None => Ok(
            PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
                .join(".cache"),
        ),
    }
}

/// Whether this runs in CI: `CI` is set to something that is not a no.
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
