//! What happens to files while nobody looks: never so much that something acknowledged could be lost.

use crate::rng::Rng;
use nokv_journal::{SEGMENT_ALIGN, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SEGMENT_TRAILER_BYTES};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// One kind of damage between two starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    /// A flipped bit in the manifest of the frames.
    Manifest,
    /// The frames are gone.
    Frames,
    /// Bytes of a segment that was never whole stand behind the last one.
    TornTail,
    /// Bytes that belong to no record stand behind the events.
    EventsTail,
    /// An event file in the middle is gone.
    EventsGap,
    /// A file that a stop left unfinished in the log.
    Leftover,
}

impl Damage {
    pub(crate) fn draw(rng: &mut Rng, clean: bool) -> Self {
        match rng.below(10) {
            0 => Self::Manifest,
            1 => Self::Frames,
            // After a clean stop nothing was being written.
            2 | 3 if !clean => Self::TornTail,
            4 => Self::Leftover,
            5 if !clean => Self::EventsTail,
            6 => Self::EventsGap,
            _ => Self::None,
        }
    }
}

pub(crate) fn inflict(data: &Path, damage: Damage) {
    match damage {
        Damage::None => {}
        Damage::Manifest => flip(&data.join("frames").join("manifest"), 40),
        Damage::Frames => {
            let frames = data.join("frames");
            fs::remove_dir_all(&frames).unwrap();
            fs::create_dir(&frames).unwrap();
        }
        Damage::EventsTail => events_tail(&data.join("events")),
        Damage::EventsGap => events_gap(&data.join("events")),
        Damage::TornTail => torn_tail(&data.join("log")),
        Damage::Leftover => fs::write(data.join("log").join("00000000000000ff.log.tmp"), b"half").unwrap(),
    }
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// The front of the last segment once more, behind it: as a write that was cut short leaves it.
fn torn_tail(log: &Path) {
    let Some((path, bytes)) = last_used(log) else {
        return;
    };
    let end = end_of_segments(&bytes);
    if end + 64 > bytes.len() {
        return;
    }
    let mut garbage = SEGMENT_MAGIC.to_vec();
    garbage.extend_from_slice(&[0x5A; 40]);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&garbage, end as u64).unwrap();
}

/// Where the last segment ends. It may end in zeros: a checksum does once in a while, and what overwrote those would
/// damage a segment that was whole.
fn end_of_segments(bytes: &[u8]) -> usize {
    let last = bytes
        .chunks_exact(SEGMENT_ALIGN)
        .rposition(|word| word == SEGMENT_MAGIC);
    let Some(at) = last.map(|word| word * SEGMENT_ALIGN) else {
        let last = bytes.iter().rposition(|byte| *byte != 0);
        return last.map_or(0, |last| (last + 1).next_multiple_of(SEGMENT_ALIGN));
    };
    let payload = u32::from_le_bytes(bytes[at + 12..at + 16].try_into().unwrap()) as usize;
    (at + SEGMENT_HEADER_BYTES + payload + SEGMENT_TRAILER_BYTES).next_multiple_of(SEGMENT_ALIGN)
}

fn events_tail(events: &Path) {
    if let Some(path) = sorted(events).pop() {
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(&[0xA5; 24]);
        fs::write(&path, bytes).unwrap();
    }
}

fn events_gap(events: &Path) {
    let files = sorted(events);
    if files.len() > 2 {
        fs::remove_file(&files[files.len() / 2]).unwrap();
    }
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The last log file with anything in it.
fn last_used(log: &Path) -> Option<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(log)
        .ok()?
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    files.sort();
    files
        .into_iter()
        .rev()
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .find(|(_, bytes)| bytes.iter().any(|byte| *byte != 0))
}

#[test]
fn a_segment_that_ends_in_zeros_is_not_damaged_by_what_stands_behind_it() {
    let mut bytes = vec![0; 4096];
    bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
    bytes[12..16].copy_from_slice(&1_u32.to_le_bytes());
    // Its last word holds one byte of its checksum, here zero, and padding.
    bytes[100] = 1;
    assert_eq!(end_of_segments(&bytes), 168);
}
