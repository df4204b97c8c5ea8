//! Listing a folder tree in the byte order of keys.
//!
//! Invariant: a folder sorts as its name with a slash behind it, so that walking in that order is walking in key
//! order; memory is bounded by the names of one path of folders.

use std::fs;
use std::io;
use std::path::Path;

use super::footer::FOOTER_BYTES;
use crate::{Key, Listed};

struct Walk<'a> {
    prefix: &'a str,
    after: &'a str,
    limit: usize,
    found: Vec<Listed>,
}

pub(crate) fn list(
    objects: &Path,
    prefix: &str,
    start_after: Option<&Key>,
    limit: usize,
) -> io::Result<Vec<Listed>> {
    let after = start_after.map_or("", Key::as_str);
    let mut walk = Walk {
        prefix,
        after,
        limit,
        found: Vec::new(),
    };
    walk.folder(objects, "")?;
    Ok(walk.found)
}

impl Walk<'_> {
    /// `base` is the part of the key that the folder stands for, with its slash.
    fn folder(&mut self, path: &Path, base: &str) -> io::Result<()> {
        for name in sorted_names(path)? {
            if self.found.len() >= self.limit {
                break;
            }
            let key = format!("{base}{name}");
            if key.ends_with('/') {
                if self.may_contain(&key) {
                    self.folder(&path.join(&name), &key)?;
                }
            } else if key.starts_with(self.prefix) && key.as_str() > self.after {
                self.file(path, &name, key)?;
            }
        }
        Ok(())
    }

    /// Whether a key below the folder can be asked for.
    fn may_contain(&self, folder: &str) -> bool {
        let in_prefix = folder.starts_with(self.prefix) || self.prefix.starts_with(folder);
        in_prefix && (folder > self.after || self.after.starts_with(folder))
    }

    fn file(&mut self, path: &Path, name: &str, key: String) -> io::Result<()> {
        let size = match fs::symlink_metadata(path.join(name)) {
            Ok(meta) => meta.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        if let Ok(key) = Key::new(key) {
            self.found.push(Listed {
                key,
                size_bytes: size.saturating_sub(FOOTER_BYTES as u64),
            });
        }
        Ok(())
    }
}

fn sorted_names(path: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        // Removed while we walk: it has no names.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(mut name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.file_type()?.is_dir() {
            name.push('/');
        }
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}
