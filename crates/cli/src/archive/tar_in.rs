//! Entries of a tar archive, checked one by one.

use super::pipe::Opened;
use super::{ReadOptions, Tally, bad};
use crate::context::own_inode;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use nokv_client::{EntryMeta, Placed, StreamSource, TreeBuilder};
use nokv_types::{FileKind, NewInode, NewKind, NsPath, PACKED_BYTES_MAX, XattrName, show_bytes};
use std::io::{self, Read};
use tar::EntryType;

/// How pax names extended attributes.
const PAX_XATTR: &str = "SCHILY.xattr.";

/// Adds every entry of the archive to the tree.
pub(crate) fn read_tar(
    opened: &mut Opened,
    tree: &mut TreeBuilder<'_>,
    options: ReadOptions<'_>,
    progress: &Progress,
) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let mut scratch = Vec::new();
    let reader = std::mem::replace(&mut opened.reader, Box::new(io::empty()));
    let mut reader = EndWatch { reader, met: false };
    let mut archive = tar::Archive::new(&mut reader);
    let entries = archive.entries().map_err(|error| opened.failure("", &error))?;
    let mut last = String::new();
    for next in entries {
        let mut entry = next.map_err(|error| opened.failure(&last, &error))?;
        let raw = entry.path_bytes().into_owned();
        last = show_bytes(&raw);
        progress.now_at(|| last.clone());
        let Some(path) = entry_path(&raw)? else { continue };
        (options.admit)(&path)?;
        let meta = entry_meta(&mut entry, options).map_err(|error| opened.failure(&last, &error))?;
        one(&mut entry, &path, meta, tree, &mut scratch, &mut tally).map_err(|failure| match failure {
            Failure::Output(error) => opened.failure(&last, &error),
            other => other,
        })?;
    }
    if reader.met {
        let cut = io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the mark at the end of an archive is missing",
        );
        return Err(opened.failure(&last, &cut));
    }
    // The rest of the stream holds xz's own end: a cut there is damage too.
    io::copy(&mut reader, &mut io::sink()).map_err(|error| opened.failure(&last, &error))?;
    Ok(tally)
}

/// Notices the end of the stream: a whole archive says by itself where it ends, before its stream does.
struct EndWatch {
    reader: Box<dyn Read>,
    met: bool,
}

impl Read for EndWatch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.reader.read(buffer)?;
        self.met |= got == 0 && !buffer.is_empty();
        Ok(got)
    }
}

fn one(
    entry: &mut tar::Entry<'_, impl Read>,
    path: &NsPath,
    meta: EntryMeta,
    tree: &mut TreeBuilder<'_>,
    scratch: &mut Vec<u8>,
    tally: &mut Tally,
) -> Outcome {
    let placed = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            return file(entry, path, meta, tree, scratch, tally);
        }
        EntryType::Directory => {
            tally.directories += 1;
            tree.directory(path, &meta)?
        }
        EntryType::Symlink => {
            let target = link_target(entry, path)?;
            tally.others += 1;
            tree.other(path, &meta, NewKind::Symlink(target))?
        }
        EntryType::Link => {
            let target = link_target(entry, path)?;
            let inside = entry_path(&target)
                .map_err(|_| bad(path.to_string(), hard_link_outside(&target)))?
                .ok_or_else(|| bad(path.to_string(), hard_link_outside(&target)))?;
            tally.others += 1;
            tree.hard_link(path, &inside)?
        }
        EntryType::Fifo => special(tree, path, &meta, FileKind::Fifo, 0, tally)?,
        kind @ (EntryType::Char | EntryType::Block) => {
            let (major, minor) = (entry.header().device_major()?, entry.header().device_minor()?);
            let rdev = rustix::fs::makedev(major.unwrap_or(0), minor.unwrap_or(0));
            let kind = if kind == EntryType::Char {
                FileKind::CharDevice
            } else {
                FileKind::BlockDevice
            };
            special(tree, path, &meta, kind, rdev, tally)?
        }
        EntryType::XGlobalHeader => return Ok(()),
        other => {
            let letter = show_bytes(&[other.as_byte()]);
            return Err(bad(
                path.to_string(),
                format!("has the kind {letter}, which cannot be imported"),
            ));
        }
    };
    tally.present += u64::from(placed == Placed::Present);
    Ok(())
}

fn file(
    entry: &mut tar::Entry<'_, impl Read>,
    path: &NsPath,
    meta: EntryMeta,
    tree: &mut TreeBuilder<'_>,
    scratch: &mut Vec<u8>,
    tally: &mut Tally,
) -> Outcome {
    let size = entry.size();
    tally.files += 1;
    tally.bytes += size;
    if tree.wants(path, size, meta.mtime)? == Placed::Present {
        tally.present += 1;
        return Ok(());
    }
    let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the entry ends early");
    if size <= PACKED_BYTES_MAX {
        scratch.clear();
        entry.by_ref().take(size).read_to_end(scratch)?;
        if scratch.len() as u64 != size {
            return Err(short().into());
        }
        return Ok(tree.small_file(path, meta, scratch)?);
    }
    let mut source = StreamSource::new(entry);
    tree.large_file(path, meta, &mut source)
        .map_err(|error| match error.kind() {
            nokv_client::ErrorKind::Local(inner) => Failure::Output(io::Error::other(inner.to_string())),
            _ => Failure::Client(error),
        })?;
    if nokv_client::BodySource::size(&source) != size {
        return Err(short().into());
    }
    Ok(())
}

fn special(
    tree: &mut TreeBuilder<'_>,
    path: &NsPath,
    meta: &EntryMeta,
    kind: FileKind,
    rdev: u64,
    tally: &mut Tally,
) -> Outcome<Placed> {
    tally.others += 1;
    Ok(tree.other(path, meta, NewKind::Special(kind, rdev))?)
}

fn link_target(entry: &tar::Entry<'_, impl Read>, path: &NsPath) -> Outcome<Vec<u8>> {
    let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
    target.ok_or_else(|| bad(path.to_string(), "is a link that leads nowhere"))
}

fn hard_link_outside(target: &[u8]) -> String {
    format!("is a hard link to {}, outside the tree", show_bytes(target))
}

/// The path of an entry; `None` for the top itself.
fn entry_path(raw: &[u8]) -> Outcome<Option<NsPath>> {
    let shown = show_bytes(raw);
    if raw.starts_with(b"/") {
        return Err(bad(
            shown,
            "is an absolute path, and an archive may only write below its top",
        ));
    }
    if raw.split(|byte| *byte == b'/').any(|part| part == b"..") {
        return Err(bad(
            shown,
            "leads upwards by '..', and an archive may only write below its top",
        ));
    }
    let path = NsPath::parse(raw).map_err(|refusal| {
        let why = format!("{}: {}", refusal.code.sentence(), refusal.detail);
        bad(shown, why.trim_end_matches(": "))
    })?;
    Ok(Some(path).filter(|path| !path.is_root()))
}

fn entry_meta(entry: &mut tar::Entry<'_, impl Read>, options: ReadOptions<'_>) -> io::Result<EntryMeta> {
    let mut mtime = i64::try_from(entry.header().mtime()?)
        .ok()
        .and_then(|s| s.checked_mul(1_000_000_000));
    let mode = entry.header().mode()? & 0o7777;
    let own = own_inode(mode);
    let inode = if options.same_owner {
        NewInode {
            mode,
            uid: entry.header().uid()? as u32,
            gid: entry.header().gid()? as u32,
        }
    } else {
        own
    };
    let mut xattrs = Vec::new();
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions {
            let extension = extension?;
            let Ok(key) = extension.key() else { continue };
            if key == "mtime" {
                mtime = extension.value().ok().and_then(pax_time).or(mtime);
            } else if let Some(name) = key.strip_prefix(PAX_XATTR)
                && let Ok(name) = XattrName::new(name.as_bytes())
            {
                xattrs.push((name, extension.value_bytes().to_vec()));
            }
        }
    }
    Ok(EntryMeta { inode, mtime, xattrs })
}

/// Seconds with a fraction, as pax writes times, in ns.
fn pax_time(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for raw in ["/etc/passwd", "../x", "a/../../b", "a/.."] {
            assert!(
                matches!(entry_path(raw.as_bytes()), Err(Failure::Own(..))),
                "{raw}"
            );
        }
        assert!(entry_path(b"./").unwrap().is_none());
        assert_eq!(entry_path(b"./a//b/").unwrap().unwrap().to_string(), "/a/b");
    }

    #[test]
    fn pax_times_have_fractions() {
        assert_eq!(pax_time("12"), Some(12_000_000_000));
        assert_eq!(pax_time("12.5"), Some(12_500_000_000));
        assert_eq!(pax_time("12.1234567891"), Some(12_123_456_789));
        assert_eq!(pax_time("x"), None);
    }
}
