//! What a directory store looks like from outside, and how it begins.
//!
//! Invariant: `FORMAT` is written last, so a folder with it is complete; a folder that holds anything else is
//! never taken over.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::{failed, publish::sync_folder};
use crate::{Error, ErrorKind, Op, Result, layout};

/// The marker file.
pub(crate) const FORMAT: &str = "FORMAT";
/// The lock of compare-and-swap.
pub(crate) const LOCK: &str = "lock";
/// The folder of files without a name.
pub(crate) const TEMP: &str = "tmp";
/// The folder of objects.
pub(crate) const OBJECTS: &str = "objects";

/// Content of the marker. Durable.
const MARKER: &str = "nokv directory object store\nformat 1\n";
const FORMAT_TEMP: &str = "FORMAT.new";

/// Checks the store at `root`, or makes an empty one.
pub(crate) fn prepare(root: &Path) -> Result<()> {
    match fs::read_to_string(root.join(FORMAT)) {
        Ok(marker) if marker == MARKER => Ok(()),
        Ok(_) => Err(refuse("the directory is an object store of another format")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => begin(root),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Err(refuse("the path is not a directory")),
        Err(e) => Err(failed(Op::Open, e)),
    }
}

fn refuse(why: &'static str) -> Error {
    Error::new(ErrorKind::Misconfigured, Op::Open).advise(why)
}

fn begin(root: &Path) -> Result<()> {
    let fail = |e| failed(Op::Open, e);
    fs::create_dir_all(root).map_err(fail)?;
    if !is_ours_or_empty(root).map_err(fail)? {
        return Err(refuse("the directory is not empty and is no object store"));
    }
    make(root).map_err(fail)
}

/// True for an empty folder, and for one whose making was interrupted.
fn is_ours_or_empty(root: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let ours = name
            .to_str()
            .is_some_and(|name| [TEMP, OBJECTS, LOCK, FORMAT_TEMP].contains(&name));
        if !ours || (name == OBJECTS && !holds_only_data_folders(&root.join(OBJECTS))?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds_only_data_folders(objects: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(objects)? {
        if entry?.file_name() != layout::DATA_PREFIX.trim_end_matches('/') {
            return Ok(false);
        }
    }
    Ok(true)
}

fn make(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join(TEMP))?;
    make_data_folders(&root.join(OBJECTS))?;
    let temp = root.join(FORMAT_TEMP);
    let mut file = File::create(&temp)?;
    file.write_all(MARKER.as_bytes())?;
    file.sync_all()?;
    match fs::rename(&temp, root.join(FORMAT)) {
        // Another process made the store in the same moment, with the same content.
        Err(e) if e.kind() == io::ErrorKind::NotFound && root.join(FORMAT).exists() => {}
        done => done?,
    }
    sync_folder(root)?;
    root.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), sync_folder)
}

/// All folders of bodies, at once: made one by one, each would cost the first put into it another sync.
fn make_data_folders(objects: &Path) -> io::Result<()> {
    let data = objects.join(layout::DATA_PREFIX);
    fs::create_dir_all(&data)?;
    for folder in 0..=u8::MAX {
        match fs::create_dir(data.join(format!("{folder:02x}"))) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    sync_folder(&data)?;
    sync_folder(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_becomes_a_store_and_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b");
        prepare(&root).unwrap();
        assert_eq!(
            fs::read_to_string(root.join("FORMAT")).unwrap(),
            "nokv directory object store\nformat 1\n"
        );
        prepare(&root).unwrap();
    }

    #[test]
    fn a_making_that_was_interrupted_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(TEMP)).unwrap();
        fs::write(dir.path().join(FORMAT_TEMP), b"no").unwrap();
        prepare(dir.path()).unwrap();
        prepare(dir.path()).unwrap();
    }

    #[test]
    fn foreign_folders_files_and_formats_are_refused_and_untouched() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("letter"), b"dear").unwrap();
        assert_eq!(prepare(dir.path()).unwrap_err().kind, ErrorKind::Misconfigured);
        assert_eq!(
            prepare(&dir.path().join("letter")).unwrap_err().kind,
            ErrorKind::Misconfigured
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(
            dir.path().join(FORMAT),
            b"nokv directory object store\nformat 2\n",
        )
        .unwrap();
        assert_eq!(prepare(dir.path()).unwrap_err().kind, ErrorKind::Misconfigured);
    }
}
