//! Directories, page by page.

use super::Reader;
use crate::keys::{self, Family};
use crate::mvcc;
use crate::rows::{Dentry, Inode, Record};
use crate::{Error, Result};
use nokv_store::{Rows, Visit};
use nokv_types::{Code, DirPage, Ino, Name, ReadPoint};

/// Most entries of one page.
pub(crate) const PAGE_ENTRIES_MAX: usize = 10_000;

impl<R: Rows> Reader<'_, R> {
    /// The entries of a directory after the name `after`, at most `limit` of them.
    ///
    /// # Errors
    /// `NotFound` or `NotADirectory`.
    pub fn readdir(
        &self,
        at: ReadPoint,
        dir: Ino,
        after: Option<&Name>,
        limit: usize,
        with_attr: bool,
    ) -> Result<DirPage> {
        if !matches!(self.inode(at, dir)?, Inode::Directory(..)) {
            return Err(Error::refused(Code::NotADirectory, format!("inode {}", dir.0)));
        }
        let limit = limit.clamp(1, PAGE_ENTRIES_MAX);
        let prefix = keys::inode(dir);
        let after = after.map(|name| keys::dentry(dir, name.as_bytes()));
        let mut page = DirPage::default();
        mvcc::scan(
            self.rows,
            self.timelines,
            at,
            (Family::Dentry, &prefix, after.as_deref()),
            &mut |row| {
                if page.entries.len() == limit {
                    page.more = true;
                    return Ok(Visit::Stop);
                }
                let name = Name::new(&row.rest[prefix.len()..])?;
                page.entries
                    .push(self.entry(at, name, &Dentry::decode(&row.found.value)?, with_attr)?);
                Ok(Visit::Next)
            },
        )?;
        Ok(page)
    }
}
