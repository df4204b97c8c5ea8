//! Keeps the target folder from eating the disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths::Paths;

/// Above this the build output is thrown away, oldest use first.
const TARGET_BYTES_MAX: u64 = 15 << 30;
const GIB: f64 = (1u64 << 30) as f64;

/// Prunes the project's own target folder; one that the user chose is the user's to prune.
pub(crate) fn target(paths: &Paths) -> Result<()> {
    if !paths.target_is_ours || !paths.target.is_dir() {
        return Ok(());
    }
    shrink(&paths.target, TARGET_BYTES_MAX)
}

fn shrink(target: &Path, bytes_max: u64) -> Result<()> {
    let mut size = size_of(target);
    for dir in candidates(target)? {
        if size <= bytes_max {
            break;
        }
        let Some(_lock) = idle(&dir)? else {
            println!("prune: {} is in use and stays", dir.display());
            continue;
        };
        let freed = size_of(&dir);
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        println!("prune: removed {} ({:.1} GiB)", dir.display(), freed as f64 / GIB);
        size -= freed.min(size);
    }
    Ok(())
}

/// What may go, in this order: incremental data, then whole profiles by age.
fn candidates(target: &Path) -> Result<Vec<PathBuf>> {
    let mut profiles = Vec::new();
    for entry in fs::read_dir(target)? {
        let path = entry?.path();
        if path.join(".cargo-lock").is_file() {
            let used = fs::metadata(path.join(".fingerprint"))
                .and_then(|meta| meta.modified())
                .ok();
            profiles.push((used, path));
        }
    }
    profiles.sort();
    let incremental = profiles
        .iter()
        .map(|(_, path)| path.join("incremental"))
        .filter(|dir| dir.is_dir());
    Ok(incremental
        .chain(profiles.iter().map(|(_, path)| path.clone()))
        .collect())
}

/// The lock that cargo takes while it builds there, or nothing when a build runs.
fn idle(dir: &Path) -> Result<Option<File>> {
    let profile = if dir.ends_with("incremental") {
        dir.parent().unwrap_or(dir)
    } else {
        dir
    };
    let lock = File::open(profile.join(".cargo-lock"))?;
    Ok(lock.try_lock().is_ok().then_some(lock))
}

fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target folder with one profile: incremental data and dependencies of 1,000 bytes each.
    fn target(name: &str) -> PathBuf {
        let target = std::env::temp_dir().join(format!("xtask-prune-{name}-{}", std::process::id()));
        for dir in ["debug/incremental", "debug/deps", "debug/.fingerprint"] {
            fs::create_dir_all(target.join(dir)).unwrap();
        }
        fs::write(target.join("debug/.cargo-lock"), "").unwrap();
        for file in ["debug/incremental/a", "debug/deps/b"] {
            fs::write(target.join(file), [0; 1000]).unwrap();
        }
        target
    }

    #[test]
    fn incremental_data_goes_first_and_no_more_than_needed() {
        let target = target("first");
        shrink(&target, 2000).unwrap();
        assert!(target.join("debug/incremental").exists());
        shrink(&target, 1500).unwrap();
        assert!(!target.join("debug/incremental").exists());
        assert!(target.join("debug/deps/b").exists());
        shrink(&target, 500).unwrap();
        assert!(!target.join("debug").exists());
        fs::remove_dir_all(target).unwrap();
    }

    #[test]
    fn a_profile_that_a_build_holds_stays() {
        let target = target("held");
        let build = File::open(target.join("debug/.cargo-lock")).unwrap();
        build.lock().unwrap();
        shrink(&target, 0).unwrap();
        assert!(target.join("debug/incremental/a").exists());
        fs::remove_dir_all(target).unwrap();
    }
}
