//! What recovery moved out of the way is kept for a look, and not for ever.
//!
//! Owns: how much of it stays. Must not know what is in it.

use crate::home::Home;
use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Quarantined directories that stay: the newest.
pub(super) const QUARANTINE_DIRS_MAX: usize = 2;
/// How long one stays, by the wall clock.
pub(super) const QUARANTINE_AGE_MAX: Duration = Duration::from_hours(7 * 24);

/// Removes quarantined directories beyond number and age, except those that this start made; answers which.
///
/// # Errors
/// `Io`: what was removed until then is gone.
pub(super) fn clear(home: &Home, wall_ns: i64, just_made: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut dirs = numbered(&home.quarantine())?;
    dirs.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
    let now = Duration::from_nanos(wall_ns.max(0) as u64);
    let mut removed = Vec::new();
    for (place, (_, dir)) in dirs.into_iter().enumerate() {
        if just_made.iter().any(|made| made.starts_with(&dir)) {
            continue;
        }
        let run = || -> io::Result<bool> {
            let made = fs::metadata(&dir)?.modified()?;
            let is_due = place >= QUARANTINE_DIRS_MAX || is_old(made, now);
            if is_due {
                fs::remove_dir_all(&dir)?;
            }
            Ok(is_due)
        };
        if run().map_err(|error| Error::io("remove", dir.display().to_string(), error))? {
            removed.push(dir);
        }
    }
    Ok(removed)
}

/// The directories that recovery made: their name is a number.
fn numbered(all: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let failed = |error| Error::io("list", all.display().to_string(), error);
    let mut found = Vec::new();
    let entries = match fs::read_dir(all) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    Ok(found)
}

fn is_old(made: SystemTime, now: Duration) -> bool {
    made.duration_since(UNIX_EPOCH)
        .is_ok_and(|made| made + QUARANTINE_AGE_MAX < now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_NS: i64 = 86_400_000_000_000;

    fn left(home: &Home) -> Vec<u64> {
        let mut left: Vec<u64> = numbered(&home.quarantine())
            .unwrap()
            .into_iter()
            .map(|(number, _)| number)
            .collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn the_newest_stay_for_a_week_and_what_was_just_made_in_any_case() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        assert_eq!(clear(&home, 0, &[]).unwrap(), Vec::<PathBuf>::new());
        for number in [1, 2, 9, 10] {
            fs::create_dir_all(home.quarantine().join(number.to_string()).join("log")).unwrap();
        }
        fs::create_dir_all(home.quarantine().join("mine")).unwrap();
        let made = fs::metadata(home.quarantine().join("10"))
            .unwrap()
            .modified()
            .unwrap();
        let now = made.duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        let made = vec![home.quarantine().join("1").join("log")];
        assert_eq!(clear(&home, now, &made).unwrap(), [home.quarantine().join("2")]);
        assert_eq!(left(&home), [1, 9, 10]);
        assert!(clear(&home, now + 6 * DAY_NS, &made).unwrap().is_empty());
        let made = vec![home.quarantine().join("9").join("frames")];
        clear(&home, now + 8 * DAY_NS, &made).unwrap();
        assert_eq!(left(&home), [9]);
        assert!(home.quarantine().join("mine").exists());
    }
}
