//! One process owns a data directory: an advisory lock that the kernel drops with its owner.
//!
//! Its file says whose it is, and how far log time had come when the owner began: what elapses between two owners
//! of one boot counts. A note that is lost or damaged costs that and nothing else.

use crate::{Error, ErrorKind, Result};
use nokv_journal::Anchor;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

const LOCK_NAME: &str = "LOCK";

/// Held while an engine is open.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: File,
    /// The note of an earlier owner.
    former: Option<([u8; 16], Anchor)>,
}

impl DirLock {
    /// Takes the lock of `dir`, which exists, and writes the owner's process id into it.
    pub(crate) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join(LOCK_NAME);
        let failed = |error| Error::io("lock", path.display().to_string(), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(owned(dir, &mut file)),
            Err(error) => return Err(failed(error.into())),
        }
        let mut text = String::new();
        // What cannot be read is no note.
        let _ = file.read_to_string(&mut text);
        let former = text.lines().nth(1).and_then(parse);
        let lock = Self { file, former };
        lock.note(former);
        Ok(lock)
    }

    /// How far log time had come when an earlier owner began, if that was during this boot.
    pub(crate) fn anchor(&self, boot: Option<[u8; 16]>) -> Option<Anchor> {
        let (noted, anchor) = self.former?;
        (Some(noted) == boot).then_some(anchor)
    }

    /// Notes how far log time has come.
    pub(crate) fn note_anchor(&self, boot: Option<[u8; 16]>, anchor: Anchor) {
        self.note(boot.map(|boot| (boot, anchor)));
    }

    /// The note is for people and for the next owner's clock; a full disk must not keep the owner out.
    fn note(&self, anchor: Option<([u8; 16], Anchor)>) {
        let mut text = format!("{}\n", std::process::id());
        if let Some((boot, anchor)) = anchor {
            text.push_str(&line(boot, anchor));
        }
        let mut file = &self.file;
        let mut write = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())
        };
        let _ = write();
    }
}

/// `clock BOOT-ID BOOTTIME-NS LOG-TIME-NS CRC32C`, all in hex: the checksum is of what comes before it.
fn line(boot: [u8; 16], anchor: Anchor) -> String {
    let boot = u128::from_be_bytes(boot);
    let text = format!(
        "clock {boot:032x} {:016x} {:016x}",
        anchor.boottime_ns, anchor.log_ns
    );
    format!("{text} {:08x}\n", crc32c::crc32c(text.as_bytes()))
}

fn parse(text: &str) -> Option<([u8; 16], Anchor)> {
    let (noted, _) = text.rsplit_once(' ')?;
    let mut fields = noted.split(' ').skip(1);
    let boot = u128::from_str_radix(fields.next()?, 16).ok()?.to_be_bytes();
    let anchor = Anchor {
        boottime_ns: u64::from_str_radix(fields.next()?, 16).ok()?,
        log_ns: u64::from_str_radix(fields.next()?, 16).ok()?,
    };
    // Whatever else is there, or is written another way, is not what we wrote.
    (line(boot, anchor).trim_end() == text).then_some((boot, anchor))
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was forked and has not executed its program yet holds the file too.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn owned(dir: &Path, file: &mut File) -> Error {
    let mut pid = String::new();
    let _ = file.read_to_string(&mut pid);
    let owner = match pid.lines().next().unwrap_or_default().trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
    let detail = format!(
        "{owner} owns it; wait for that process to end; a shared server, `nokv up`, comes with the service"
    );
    Error::new(ErrorKind::Locked, "open", dir.display().to_string(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_owner_finds_how_far_log_time_had_come_and_no_damaged_note() {
        let dir = tempfile::tempdir().unwrap();
        let boot = Some([7; 16]);
        let anchor = Anchor {
            log_ns: 1 << 60,
            boottime_ns: 99,
        };
        let lock = DirLock::take(dir.path()).unwrap();
        assert_eq!(lock.anchor(boot), None);
        lock.note_anchor(boot, anchor);
        drop(lock);
        // An owner that dies before it notes anything leaves the note as it was.
        for _ in 0..2 {
            let lock = DirLock::take(dir.path()).unwrap();
            assert_eq!(lock.anchor(boot), Some(anchor));
            assert_eq!(lock.anchor(Some([8; 16])), None, "another boot");
            assert_eq!(lock.anchor(None), None);
        }
        let path = dir.path().join(LOCK_NAME);
        let good = std::fs::read(&path).unwrap();
        let begin = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for at in begin..good.len() - 1 {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(DirLock::take(dir.path()).unwrap().anchor(boot), None, "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(
                DirLock::take(dir.path()).unwrap().anchor(boot),
                None,
                "cut at {at}"
            );
        }
    }

    #[test]
    fn a_lock_that_is_dropped_is_free_though_a_forked_child_holds_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::take(dir.path()).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert_eq!(DirLock::take(dir.path()).unwrap_err().kind, ErrorKind::Locked);
        drop(lock);
        DirLock::take(dir.path()).unwrap();
        drop(inherited);
    }
}
