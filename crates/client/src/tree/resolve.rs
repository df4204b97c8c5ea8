//! Finding what a path names, through symbolic links.

use crate::client::Client;
use crate::{Ack, Error, Found, Result, View};
use nokv_types::{Code, Command, FileKind, Name, NewInode, NewKind, Node, NsPath, Outcome, Refusal};

/// Symbolic links that one path may lead through.
pub(crate) const LINKS_FOLLOWED_MAX: u32 = 40;

impl Client {
    /// What stands at `path`; the last name is not followed when it is a symbolic link.
    pub fn find(&self, view: View, path: &NsPath) -> Result<Found> {
        self.find_with(view, path, false)
    }

    /// What `path` leads to, through symbolic links.
    pub fn follow(&self, view: View, path: &NsPath) -> Result<Found> {
        self.find_with(view, path, true)
    }

    /// The directory that holds the last name of `path`, and that name.
    ///
    /// # Errors
    /// `Invalid` for the root, which nothing holds.
    pub fn parent_of(&self, view: View, path: &NsPath) -> Result<(Node, Name)> {
        let Some((parent, name)) = path.split_last() else {
            let detail = "the root of a namespace cannot be named here";
            return Err(Refusal::new(Code::Invalid, "/").detail(detail).into());
        };
        let found = self.follow(view, &parent)?;
        if found.attr.kind != FileKind::Directory {
            return Err(Error::refused(Code::NotADirectory, parent.to_string()));
        }
        Ok((found.node, name.clone()))
    }

    /// Makes the directories of `path` that are not there; answers the last one.
    pub fn make_dirs(&self, view: View, path: &NsPath, inode: NewInode, ack: Ack) -> Result<Found> {
        match self.follow(view, path) {
            Err(error) if error.code() == Some(Code::NotFound) => {}
            found => return found,
        }
        let mut here = view.node;
        let mut known = NsPath::default();
        let mut found = self.find(view, &known)?;
        for name in path.names() {
            known = known.join(name.clone());
            found = match self.follow(view, &known) {
                Err(error) if error.code() == Some(Code::NotFound) => self
                    .make_dir(here, name.clone(), inode, ack)
                    .map_err(|e| e.about(known.to_string()))?,
                other => other?,
            };
            here = found.node;
        }
        Ok(found)
    }

    /// Makes a directory, or finds the one that somebody else made meanwhile.
    pub fn make_dir(&self, parent: Node, name: Name, inode: NewInode, ack: Ack) -> Result<Found> {
        let create = Command::Create {
            parent,
            name: name.clone(),
            inode,
            kind: NewKind::Directory,
        };
        match self.change(create, ack) {
            Ok(reply) => match reply.outcome {
                Outcome::Inode(node, attr) => Ok(Found { node, attr }),
                _ => Err(crate::client::unexpected("create")),
            },
            Err(error) if error.code() == Some(Code::Exists) => {
                let found = self
                    .namespace()
                    .lookup(View::head_of(parent).point, parent.ino, &name)?;
                if found.attr.kind == FileKind::Directory {
                    Ok(found)
                } else {
                    Err(error)
                }
            }
            Err(error) => Err(error),
        }
    }

    fn find_with(&self, view: View, path: &NsPath, follow_last: bool) -> Result<Found> {
        let direct = self.namespace().resolve(view.point, view.node.ino, path);
        match direct {
            Ok(found) if !(follow_last && found.attr.kind == FileKind::Symlink) => Ok(found),
            Ok(_) => self.find_by_steps(view, path, follow_last),
            Err(error) if error.code() == Some(Code::NotADirectory) => {
                self.find_by_steps(view, path, follow_last)
            }
            Err(error) => Err(error),
        }
        .map_err(|error| match error.code() {
            Some(Code::NotFound | Code::NotADirectory) => error.about(path.to_string()),
            _ => error,
        })
    }

    /// One name at a time; the ancestors are remembered for `..` in the targets of links.
    fn find_by_steps(&self, view: View, path: &NsPath, follow_last: bool) -> Result<Found> {
        let root = self
            .namespace()
            .resolve(view.point, view.node.ino, &NsPath::default())?;
        let mut trail = vec![root];
        let mut todo: Vec<Vec<u8>> = path.names().iter().rev().map(|n| n.as_bytes().to_vec()).collect();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            let here = *trail.last().unwrap_or(&root);
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    if trail.len() > 1 {
                        trail.pop();
                    }
                    continue;
                }
                _ => {}
            }
            if here.attr.kind != FileKind::Directory {
                return Err(Error::refused(Code::NotADirectory, path.to_string()));
            }
            let found = self
                .namespace()
                .lookup(view.point, here.node.ino, &Name::new(&part)?)?;
            if found.attr.kind != FileKind::Symlink || (todo.is_empty() && !follow_last) {
                trail.push(found);
                continue;
            }
            links += 1;
            if links > LINKS_FOLLOWED_MAX {
                let detail = "the path leads through too many symbolic links";
                return Err(Refusal::new(Code::Loop, path.to_string()).detail(detail).into());
            }
            let target = self.namespace().readlink(view.point, found.node.ino)?;
            if target.first() == Some(&b'/') {
                trail.truncate(1);
            }
            todo.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
        }
        Ok(*trail.last().unwrap_or(&root))
    }
}
