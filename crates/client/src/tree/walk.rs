//! Walking a tree: every entry below a directory, parents before children, by pages.

use crate::client::Client;
use crate::{Found, Result, View};
use nokv_types::{DirEntry, FileKind, Name, Node, NsPath};
use std::collections::VecDeque;

/// Entries that one question answers.
pub(crate) const PAGE_ENTRIES: usize = 1024;

/// An entry of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkEntry {
    /// Its path from where the walk began.
    pub path: NsPath,
    /// The directory that holds it.
    pub parent: Node,
    /// The inode and its attributes.
    pub found: Found,
}

/// A walk down from a directory, in the order of names; memory is one page per level.
pub struct Walk<'c> {
    client: &'c Client,
    view: View,
    levels: Vec<Level>,
}

struct Level {
    path: NsPath,
    node: Node,
    page: VecDeque<DirEntry>,
    after: Option<Name>,
    more: bool,
}

impl<'c> Walk<'c> {
    /// Walks what lies below `dir`; a directory that is not one has nothing below it.
    pub fn new(client: &'c Client, view: View, dir: Found) -> Self {
        let mut walk = Self {
            client,
            view,
            levels: Vec::new(),
        };
        if dir.attr.kind == FileKind::Directory {
            walk.descend(NsPath::default(), dir.node);
        }
        walk
    }

    /// Leaves out what lies below the directory that was answered last.
    pub fn skip_below(&mut self, entry: &WalkEntry) {
        if self.levels.last().is_some_and(|level| level.path == entry.path) {
            self.levels.pop();
        }
    }

    fn descend(&mut self, path: NsPath, node: Node) {
        self.levels.push(Level {
            path,
            node,
            page: VecDeque::new(),
            after: None,
            more: true,
        });
    }

    fn advance(&mut self) -> Result<Option<WalkEntry>> {
        while let Some(level) = self.levels.last_mut() {
            if level.page.is_empty() && level.more {
                self.client.check_stop("walk", &level.path.to_string())?;
                let (point, after) = (self.view.point, level.after.take());
                let namespace = self.client.namespace();
                let page = namespace.readdir(point, level.node.ino, after.as_ref(), PAGE_ENTRIES, true)?;
                level.more = page.more;
                level.after = page.entries.last().map(|entry| entry.name.clone());
                level.page = page.entries.into();
            }
            let Some(entry) = level.page.pop_front() else {
                if !level.more {
                    self.levels.pop();
                }
                continue;
            };
            let (path, parent) = (level.path.join(entry.name), level.node);
            let attr = match entry.attr {
                Some(attr) => attr,
                None => self.client.namespace().getattr(self.view.point, entry.node.ino)?,
            };
            if attr.kind == FileKind::Directory {
                self.descend(path.clone(), entry.node);
            }
            let found = Found {
                node: entry.node,
                attr,
            };
            return Ok(Some(WalkEntry { path, parent, found }));
        }
        Ok(None)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<WalkEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.advance().transpose();
        if matches!(step, Some(Err(_))) {
            self.levels.clear();
        }
        step
    }
}
