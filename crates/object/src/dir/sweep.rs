//! Removing what writers that died left in `tmp/`.
//!
//! Invariant: a file is removed only when it is old *and* nobody holds its lock; a live writer always does.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Younger files stay: their writer may be between making and locking them, or on another machine whose locks
/// this file system does not carry. An hour is far above the longest put.
pub(crate) const SWEEP_AGE_MIN: Duration = Duration::from_hours(1);

/// Removes leftovers. A folder that cannot be written is left as it is: reading from it is still possible.
pub(crate) fn sweep(temp: &Path) -> io::Result<()> {
    let now = match file_system_time(temp) {
        Ok(now) => now,
        Err(e) if cannot_write(&e) => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in fs::read_dir(temp)? {
        let path = entry?.path();
        match sweep_one(&path, now) {
            Ok(()) => {}
            // Named, removed or made unreadable by someone else in this moment.
            Err(e) if cannot_write(&e) || e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn cannot_write(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied | io::ErrorKind::StorageFull
    )
}

fn sweep_one(path: &Path, now: SystemTime) -> io::Result<()> {
    let file = File::open(path)?;
    let age = now
        .duration_since(file.metadata()?.modified()?)
        .unwrap_or(Duration::ZERO);
    if age >= SWEEP_AGE_MIN && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// What time it is for the file system: ages are compared with its clock, not with this machine's.
fn file_system_time(temp: &Path) -> io::Result<SystemTime> {
    let path = temp.join(format!("clock-{}", std::process::id()));
    let made = File::create(&path)?;
    let now = made.metadata()?.modified();
    fs::remove_file(&path)?;
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aged(path: &Path, age: Duration) -> File {
        let file = File::create(path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now.checked_sub(age).unwrap()).unwrap();
        file
    }

    #[test]
    fn only_old_files_that_nobody_holds_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        drop(aged(&path("old"), SWEEP_AGE_MIN + Duration::from_secs(1)));
        drop(aged(&path("young"), SWEEP_AGE_MIN / 2));
        let held = aged(&path("held"), SWEEP_AGE_MIN * 2);
        held.lock().unwrap();
        sweep(dir.path()).unwrap();
        assert!(!path("old").exists() && path("young").exists() && path("held").exists());
        drop(held);
        sweep(dir.path()).unwrap();
        assert!(!path("held").exists() && path("young").exists());
    }
}
