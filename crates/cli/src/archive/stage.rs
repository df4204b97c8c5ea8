//! Where an import grows until it is whole: a hidden directory that is renamed when all of it is there.

use crate::advice;
use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::verbs::DIR_MODE;
use nokv_client::{Ack, Client, Found, View};
use nokv_types::{
    Code, Command, Digest, FileKind, Name, Node, NsPath, RenameMode, Retry, XattrMode, XattrName,
};
use std::cell::Cell;

/// What hidden directories of imports are called; a digest of source and destination follows.
pub(crate) const STAGE_PREFIX: &str = ".nokv-import-";
/// The attribute that says what an unfinished import is of.
const MARKER: &[u8] = b"user.nokv.import";
/// The attribute of an import that is whole and whose entries are on the way to their place.
const MOVING: &[u8] = b"user.nokv.import.moving";
/// Entries that one submit moves to their place.
const BATCH: usize = 128;

/// An import that is not visible under its name yet.
pub(crate) struct Stage<'c> {
    client: &'c Client,
    /// Where the import goes.
    place: Place,
    head: View,
    /// The directory that holds the stage.
    above: Node,
    name: Name,
    dir: Found,
    /// The new name beside the stage; none = the entries move up into the directory above.
    becomes: Option<Name>,
    resumed: bool,
    /// Entries may have gone to their place already.
    moving: Cell<bool>,
}

impl<'c> Stage<'c> {
    /// Finds the stage of an interrupted import of the same source, or makes a new one.
    pub(crate) fn open(context: &'c Context, place: &Place, source: Option<&[u8]>) -> Outcome<Self> {
        let (client, head) = (context.client()?, context.head(place)?);
        let (above, becomes) = match client.follow(head, &place.path) {
            Ok(found) if found.attr.kind == FileKind::Directory => (found.node, None),
            Ok(_) => return Err(nokv_client::Error::refused(Code::NotADirectory, place.to_string()).into()),
            Err(error) if error.code() == Some(Code::NotFound) => {
                let (parent, name) = context.parent(head, place)?;
                (parent, Some(name))
            }
            Err(error) => return Err(error.into()),
        };
        let identity = source.unwrap_or(b"a stream");
        let name = stage_name(identity, &place.path)?;
        let marker = XattrName::new(MARKER)?;
        let standing = client.namespace().lookup(head.point, above.ino, &name);
        let resumed = match standing {
            Ok(found) => {
                let held = client.namespace().xattr_get(head.point, found.node.ino, &marker);
                let same = source.is_some() && held.is_ok_and(|held| held == identity);
                if !same {
                    remove(client, above, &name)?;
                }
                same
            }
            Err(error) if error.code() == Some(Code::NotFound) => false,
            Err(error) => return Err(error.into()),
        };
        let dir = client.make_dir(above, name.clone(), own_inode(DIR_MODE), Ack::Applied)?;
        let set = Command::SetXattr {
            node: dir.node,
            name: marker,
            value: identity.to_vec(),
            mode: XattrMode::Any,
        };
        client.change(set, Ack::Applied)?;
        let moving = client
            .namespace()
            .xattr_get(head.point, dir.node.ino, &XattrName::new(MOVING)?);
        Ok(Self {
            moving: Cell::new(moving.is_ok()),
            client,
            place: place.clone(),
            head,
            above,
            name,
            dir,
            becomes,
            resumed,
        })
    }

    pub(crate) fn node(&self) -> Node {
        self.dir.node
    }

    /// Whether an earlier run left something here.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether an earlier run was stopped while it moved the entries of a whole import: nothing is to be read again.
    pub(crate) fn is_moving(&self) -> bool {
        self.moving.get()
    }

    /// Refuses an entry whose name at the top is taken where it is to go.
    pub(crate) fn admit(&self, path: &NsPath) -> Outcome {
        let [name] = path.names() else { return Ok(()) };
        if self.becomes.is_some() {
            return Ok(());
        }
        let standing = self
            .client
            .namespace()
            .lookup(self.head.point, self.above.ino, name);
        match standing {
            Ok(_) => Err(self.taken(name)),
            Err(error) if error.code() == Some(Code::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A refusal about an entry by the path that it would have got.
    pub(crate) fn named(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Client(error) if error.refusal().is_some_and(|r| r.subject.starts_with('/')) => {
                let whole = self.place.names_of(error.subject());
                error.about(whole).into()
            }
            other => other,
        }
    }

    /// Advised already: it is the destination's fault, and not that of an archive.
    fn taken(&self, name: &Name) -> Failure {
        let taken = self
            .place
            .with_path(self.place.path.join(name.clone()))
            .to_string();
        let look = format!("nokv stat {}", advice::quoted(&taken));
        let refusal = nokv_types::Refusal::new(Code::Exists, taken);
        Failure::from(refusal.detail("the destination has an entry of this name")).try_next(look)
    }

    /// Makes the import visible under its name.
    pub(crate) fn finish(&self) -> Outcome {
        let unmark = Command::RemoveXattr {
            node: self.dir.node,
            name: XattrName::new(MARKER)?,
        };
        if let Some(becomes) = &self.becomes {
            let rename = Command::Rename {
                from: self.above,
                from_name: self.name.clone(),
                to: self.above,
                to_name: becomes.clone(),
                mode: RenameMode::NoReplace,
            };
            // The mark goes first, where nobody looks: a crash between the two costs the work and nothing else.
            for answer in self.client.change_all(vec![unmark, rename], Ack::Durable) {
                answer?;
            }
            return Ok(());
        }
        self.move_up()
    }

    /// Moves the entries into the directory above; refused before the first one when a name is taken. That they move
    /// is durable before the first one does: a run that is stopped in between is continued here.
    fn move_up(&self) -> Outcome {
        let (namespace, point) = (self.client.namespace(), self.head.point);
        let mut names = Vec::new();
        let mut after: Option<Name> = None;
        loop {
            let page = namespace.readdir(point, self.dir.node.ino, after.as_ref(), BATCH, false)?;
            after = page.entries.last().map(|entry| entry.name.clone());
            for entry in page.entries {
                match namespace.lookup(point, self.above.ino, &entry.name) {
                    Ok(_) => return Err(self.taken(&entry.name)),
                    Err(error) if error.code() == Some(Code::NotFound) => names.push(entry.name),
                    Err(error) => return Err(error.into()),
                }
            }
            if !page.more {
                break;
            }
        }
        let moving = Command::SetXattr {
            node: self.dir.node,
            name: XattrName::new(MOVING)?,
            value: Vec::new(),
            mode: XattrMode::Any,
        };
        self.client.change(moving, Ack::Durable)?;
        self.moving.set(true);
        let rename = |name: &Name| Command::Rename {
            from: self.dir.node,
            from_name: name.clone(),
            to: self.above,
            to_name: name.clone(),
            mode: RenameMode::NoReplace,
        };
        for some in names.chunks(BATCH) {
            for answer in self
                .client
                .change_all(some.iter().map(rename).collect(), Ack::Applied)
            {
                answer?;
            }
        }
        let rmdir = Command::Rmdir {
            parent: self.above,
            name: self.name.clone(),
        };
        Ok(self.client.change(rmdir, Ack::Durable).map(|_| ())?)
    }

    /// After a failure: an import that can never succeed leaves nothing, any other one can be resumed. So can one of
    /// which a part is in its place: what is in the way can be taken away.
    pub(crate) fn settle(&self, failure: Failure) -> Failure {
        if self.is_moving() || !is_final(&failure) {
            return failure;
        }
        match remove(self.client, self.above, &self.name) {
            Ok(()) => failure,
            Err(second) => second,
        }
    }
}

/// Whether the same import will fail again.
fn is_final(failure: &Failure) -> bool {
    match failure {
        Failure::Own(own, ..) => own.is_final(),
        Failure::Client(error) | Failure::Advised(error, _) => match error.refusal() {
            Some(refusal) => refusal.code.retry() != Retry::Same,
            None => matches!(error.kind(), nokv_client::ErrorKind::Input(_)),
        },
        Failure::Output(_) => false,
    }
}

fn remove(client: &Client, above: Node, name: &Name) -> Outcome {
    let remove = Command::RemoveTree {
        parent: above,
        name: name.clone(),
    };
    Ok(client.change(remove, Ack::Durable).map(|_| ())?)
}

fn stage_name(identity: &[u8], path: &NsPath) -> Outcome<Name> {
    let both = [&path.to_bytes(), &b"\0"[..], identity].concat();
    let Digest::Blake3(digest) = Digest::blake3(&both) else {
        return Err(Failure::usage("the digest of a name"));
    };
    let mut short = [0; 8];
    short.copy_from_slice(&digest[..8]);
    Ok(Name::new(
        format!("{STAGE_PREFIX}{:016x}", u64::from_be_bytes(short)).as_bytes(),
    )?)
}
