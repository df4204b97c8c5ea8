//! Where an import grows until it is whole: a hidden directory that is renamed when all of it is there.

use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::verbs::DIR_MODE;
use nokv_client::{Ack, Client, Found, View};
use nokv_types::{
    Code, Command, Digest, FileKind, Name, Node, NsPath, RenameMode, Retry, XattrMode, XattrName,
};

/// What hidden directories of imports are called; a digest of source and destination follows.
const NAME_PREFIX: &str = ".nokv-import-";
/// The attribute that says what an unfinished import is of.
const MARKER: &[u8] = b"user.nokv.import";
/// Entries that one submit moves to their place.
const BATCH: usize = 128;

/// An import that is not visible under its name yet.
pub(crate) struct Stage<'c> {
    client: &'c Client,
    head: View,
    /// The directory that holds the stage.
    above: Node,
    name: Name,
    dir: Found,
    /// The new name beside the stage; none = the entries move up into the directory above.
    becomes: Option<Name>,
    resumed: bool,
}

impl<'c> Stage<'c> {
    /// Finds the stage of an interrupted import of the same source, or makes a new one.
    pub(crate) fn open(context: &'c Context, place: &Place, source: Option<&[u8]>) -> Outcome<Self> {
        let (client, head) = (context.client()?, context.head(place)?);
        let (above, becomes) = match client.follow(head, &place.path) {
            Ok(found) if found.attr.kind == FileKind::Directory => (found.node, None),
            Ok(_) => return Err(nokv_client::Error::refused(Code::NotADirectory, place.to_string()).into()),
            Err(error) if error.code() == Some(Code::NotFound) => {
                let (parent, name) = client.parent_of(head, &place.path)?;
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
        Ok(Self {
            client,
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
            // The mark goes last: a crash between the two leaves a whole import, with or without it.
            for answer in self.client.change_all(vec![rename, unmark], Ack::Durable) {
                answer?;
            }
            return Ok(());
        }
        self.move_up()
    }

    /// Moves the entries into the directory above; refused before the first one when a name is taken.
    fn move_up(&self) -> Outcome {
        let (namespace, point) = (self.client.namespace(), self.head.point);
        let mut names = Vec::new();
        let mut after: Option<Name> = None;
        loop {
            let page = namespace.readdir(point, self.dir.node.ino, after.as_ref(), BATCH, false)?;
            after = page.entries.last().map(|entry| entry.name.clone());
            for entry in page.entries {
                match namespace.lookup(point, self.above.ino, &entry.name) {
                    Ok(_) => {
                        let taken = NsPath::default().join(entry.name).to_string();
                        let refusal = nokv_types::Refusal::new(Code::Exists, taken);
                        return Err(refusal.detail("the destination has an entry of this name").into());
                    }
                    Err(error) if error.code() == Some(Code::NotFound) => names.push(entry.name),
                    Err(error) => return Err(error.into()),
                }
            }
            if !page.more {
                break;
            }
        }
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

    /// After a failure: an import that can never succeed leaves nothing, any other one can be resumed.
    pub(crate) fn settle(&self, failure: Failure) -> Failure {
        if !is_final(&failure) {
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
        Failure::Client(error) => match error.refusal() {
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
        format!("{NAME_PREFIX}{:016x}", u64::from_be_bytes(short)).as_bytes(),
    )?)
}
