//! `nokv cp`

use crate::args::AtArg;
use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use crate::place::Place;
use clap::Args;
use nokv_client::{Ack, Client, Found, View, Walk};
use nokv_types::{
    Code, Command, FileKind, Name, NewBody, NewInode, NewKind, Node, NsPath, Target, XattrMode,
};
use std::collections::HashMap;
use std::ffi::OsString;

/// Files that one submit copies.
const BATCH: usize = 128;

/// Copy without moving bytes
///
/// Copies files and trees without moving a byte: the copies refer to the same objects.
#[derive(Debug, Args)]
pub(crate) struct Cp {
    /// What to copy
    #[arg(add = crate::complete::places())]
    from: OsString,
    /// The copy, or a directory to make it in
    #[arg(add = crate::complete::places())]
    to: OsString,
    /// Directories with all that is in them
    #[arg(short, long)]
    recursive: bool,
    #[command(flatten)]
    at: AtArg,
}

impl Cp {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let (mut from, mut to) = (context.source(&self.from)?, context.place(&self.to)?);
        let (client, head) = (context.client()?, context.head(&to)?);
        let (view, path) = context.view(&mut from, &self.at)?;
        let source = Context::named(&from, &path, client.follow(view, &path))?;
        if source.attr.kind == FileKind::Directory && !self.recursive {
            return Err(Failure::usage(format!("{from} is a directory: add -r"))
                .try_next(format!("nokv cp -r {from} {to}")));
        }
        if let Ok(found) = client.follow(head, &to.path)
            && found.attr.kind == FileKind::Directory
        {
            let name = from.path.names().last();
            let name = name.ok_or_else(|| Failure::usage("name the copy of a root"))?;
            to.path = to.path.join(name.clone());
        }
        let mut copy = Copy::new(client, view);
        copy.top(context, source, head, &to)?;
        if source.attr.kind == FileKind::Directory {
            copy.below(source)?;
        }
        copy.finish()?;
        let record = Record::new()
            .with("from", Field::Bytes(from.path.to_bytes()))
            .with("to", Field::Bytes(to.path.to_bytes()))
            .with("entries", Field::Number(copy.entries));
        context.out.done(
            &format!("copied {from} to {to}, {} entries", copy.entries),
            &record,
        )
    }
}

/// A copy in the making.
struct Copy<'c> {
    client: &'c Client,
    view: View,
    dirs: HashMap<NsPath, Node>,
    commands: Vec<Command>,
    entries: u64,
}

impl<'c> Copy<'c> {
    fn new(client: &'c Client, view: View) -> Self {
        Self {
            client,
            view,
            dirs: HashMap::new(),
            commands: Vec::new(),
            entries: 0,
        }
    }

    fn top(&mut self, context: &Context, source: Found, head: View, to: &Place) -> Outcome {
        let (parent, name) = context.parent(head, to)?;
        self.entry(&NsPath::default(), parent, name, source)
            .map_err(|failure| match failure {
                Failure::Client(error) if error.code() == Some(Code::Exists) => {
                    Failure::Client(error.about(to.to_string()))
                }
                other => other,
            })
    }

    fn below(&mut self, source: Found) -> Outcome {
        // The copy may lie below its own source: what is listed is fixed before the first entry is made.
        let mut view = self.view;
        if view.is_head() {
            view.point.version = self.client.namespace().version()?;
        }
        let top = self.dirs.get(&NsPath::default()).copied();
        for entry in Walk::new(self.client, view, source) {
            let entry = entry?;
            if Some(entry.found.node) == top {
                continue;
            }
            let Some((parent, name)) = entry.path.split_last() else {
                continue;
            };
            let Some(dir) = self.dirs.get(&parent).copied() else {
                continue;
            };
            self.entry(&entry.path, dir, name.clone(), entry.found)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &NsPath, parent: Node, name: Name, found: Found) -> Outcome {
        self.entries += 1;
        let inode = NewInode {
            mode: found.attr.mode,
            ..own_inode(0)
        };
        let xattrs = self.xattrs(found)?;
        match found.attr.kind {
            FileKind::File => {
                let target = Target::Name {
                    parent,
                    name,
                    inode,
                    create_only: false,
                };
                let body = NewBody::Clone {
                    from: found.node,
                    version: self.view.point.version,
                };
                self.commands.push(Command::Publish {
                    target,
                    body,
                    expect: None,
                    xattrs,
                });
            }
            FileKind::Directory => {
                let made = self.client.make_dir(parent, name, inode, Ack::Applied)?;
                self.dirs.insert(path.clone(), made.node);
                for (name, value) in xattrs {
                    self.commands.push(Command::SetXattr {
                        node: made.node,
                        name,
                        value,
                        mode: XattrMode::Any,
                    });
                }
            }
            FileKind::Symlink => {
                let target = self
                    .client
                    .namespace()
                    .readlink(self.view.point, found.node.ino)?;
                self.create(parent, name, inode, NewKind::Symlink(target));
            }
            kind => self.create(parent, name, inode, NewKind::Special(kind, found.attr.rdev)),
        }
        if self.commands.len() >= BATCH {
            self.flush(Ack::Applied)
        } else {
            Ok(())
        }
    }

    fn create(&mut self, parent: Node, name: Name, inode: NewInode, kind: NewKind) {
        self.commands.push(Command::Create {
            parent,
            name,
            inode,
            kind,
        });
    }

    fn xattrs(&self, found: Found) -> Outcome<Vec<(nokv_types::XattrName, Vec<u8>)>> {
        let (namespace, point) = (self.client.namespace(), self.view.point);
        let mut xattrs = Vec::new();
        for name in namespace.xattr_list(point, found.node.ino)? {
            let value = namespace.xattr_get(point, found.node.ino, &name)?;
            xattrs.push((name, value));
        }
        Ok(xattrs)
    }

    /// Runs what is left, durably, and with it what was only applied.
    fn finish(&mut self) -> Outcome {
        match self.dirs.get(&NsPath::default()) {
            Some(top) if self.commands.is_empty() => Ok(self.client.make_durable(*top)?),
            _ => self.flush(Ack::Durable),
        }
    }

    fn flush(&mut self, ack: Ack) -> Outcome {
        for answer in self.client.change_all(std::mem::take(&mut self.commands), ack) {
            answer?;
        }
        Ok(())
    }
}
