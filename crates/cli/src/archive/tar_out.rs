//! Writing a tree as a tar archive, plain or packed.

use super::{Form, bad};
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use liblzma::write::XzEncoder;
use nokv_client::{BodyReader, Client, View, WalkEntry};
use nokv_types::{FileKind, Node, NsPath, XattrName};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;
/// How hard xz tries.
const XZ_LEVEL: u32 = 6;
/// How hard zstd tries.
const ZSTD_LEVEL: i32 = 3;
/// How pax names extended attributes.
const PAX_XATTR: &str = "SCHILY.xattr.";

/// Where an archive goes; `finish` completes the packing.
pub(crate) enum Sink {
    /// As it is.
    Plain(Box<dyn Write>),
    /// Packed by xz.
    Xz(Box<XzEncoder<Box<dyn Write>>>),
    /// Packed by zstd.
    Zstd(Box<zstd::stream::write::Encoder<'static, Box<dyn Write>>>),
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(to) => to.write(buffer),
            Self::Xz(to) => to.write(buffer),
            Self::Zstd(to) => to.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.flush(),
            Self::Xz(to) => to.flush(),
            Self::Zstd(to) => to.flush(),
        }
    }
}

/// Opens the archive to write: by its name, or standard output for `-`.
pub(crate) fn open_out(local: &OsStr, form: Form) -> Outcome<Sink> {
    let plain: Box<dyn Write> = if local == "-" {
        Box::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()))
    } else {
        let file =
            File::create(local).map_err(|source| Failure::local("write", local.to_string_lossy(), source))?;
        Box::new(BufWriter::with_capacity(BUFFER_BYTES, file))
    };
    Ok(match form {
        Form::Plain => Sink::Plain(plain),
        Form::Xz => Sink::Xz(Box::new(XzEncoder::new(plain, XZ_LEVEL))),
        Form::Zstd => {
            let mut packed = zstd::stream::write::Encoder::new(plain, ZSTD_LEVEL)?;
            packed.include_checksum(true)?;
            Sink::Zstd(Box::new(packed))
        }
    })
}

/// An archive that is being written.
pub(crate) struct TarOut<'c> {
    client: &'c Client,
    view: View,
    builder: Builder<Sink>,
    linked: HashMap<Node, Vec<u8>>,
}

impl<'c> TarOut<'c> {
    pub(crate) fn new(client: &'c Client, view: View, sink: Sink) -> Self {
        Self {
            client,
            view,
            builder: Builder::new(sink),
            linked: HashMap::new(),
        }
    }

    /// Writes one entry; what tar has no kind for is answered as left out.
    pub(crate) fn entry(&mut self, entry: &WalkEntry, progress: &Progress) -> Outcome<bool> {
        let (attr, node) = (entry.found.attr, entry.found.node);
        let name = relative(&entry.path);
        let mut header = Header::new_gnu();
        header.set_mode(attr.mode);
        header.set_uid(u64::from(attr.uid));
        header.set_gid(u64::from(attr.gid));
        header.set_mtime(u64::try_from(attr.mtime / 1_000_000_000).unwrap_or(0));
        header.set_size(0);
        let path = Path::new(OsStr::from_bytes(&name)).to_owned();
        if attr.nlink > 1 && attr.kind == FileKind::File {
            if let Some(first) = self.linked.get(&node) {
                header.set_entry_type(EntryType::Link);
                self.builder
                    .append_link(&mut header, &path, Path::new(OsStr::from_bytes(first)))?;
                return Ok(true);
            }
            self.linked.insert(node, name);
        }
        self.xattrs(node)?;
        match attr.kind {
            FileKind::Directory => {
                header.set_entry_type(EntryType::Directory);
                self.builder.append_data(&mut header, &path, io::empty())?;
            }
            FileKind::Symlink => {
                let target = self.client.namespace().readlink(self.view.point, node.ino)?;
                header.set_entry_type(EntryType::Symlink);
                self.builder
                    .append_link(&mut header, &path, Path::new(OsStr::from_bytes(&target)))?;
            }
            FileKind::File => {
                let reader = BodyReader::open(self.client, self.view.point, node.ino, 0..u64::MAX)?;
                header.set_entry_type(EntryType::Regular);
                header.set_size(reader.size());
                let body = progress.reading(reader);
                self.builder
                    .append_data(&mut header, &path, body)
                    .map_err(unwrapped)?;
            }
            FileKind::Fifo => {
                header.set_entry_type(EntryType::Fifo);
                self.builder.append_data(&mut header, &path, io::empty())?;
            }
            FileKind::CharDevice | FileKind::BlockDevice => {
                let is_char = attr.kind == FileKind::CharDevice;
                header.set_entry_type(if is_char {
                    EntryType::Char
                } else {
                    EntryType::Block
                });
                header.set_device_major(rustix::fs::major(attr.rdev))?;
                header.set_device_minor(rustix::fs::minor(attr.rdev))?;
                self.builder.append_data(&mut header, &path, io::empty())?;
            }
            FileKind::Socket => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn finish(self) -> Outcome {
        let mut sink = self.builder.into_inner()?;
        sink.flush()?;
        match sink {
            Sink::Plain(_) => Ok(()),
            Sink::Xz(encoder) => Ok(encoder.finish()?.flush()?),
            Sink::Zstd(encoder) => Ok(encoder.finish()?.flush()?),
        }
    }

    /// Puts the extended attributes before the entry.
    fn xattrs(&mut self, node: Node) -> Outcome {
        let (namespace, point) = (self.client.namespace(), self.view.point);
        let names: Vec<XattrName> = namespace.xattr_list(point, node.ino)?;
        let mut pairs = Vec::new();
        for name in names {
            let Ok(text) = std::str::from_utf8(name.as_bytes()) else {
                return Err(bad(
                    nokv_types::show_bytes(name.as_bytes()),
                    "tar has no attribute names of this kind",
                ));
            };
            pairs.push((
                format!("{PAX_XATTR}{text}"),
                namespace.xattr_get(point, node.ino, &name)?,
            ));
        }
        if !pairs.is_empty() {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()));
            self.builder.append_pax_extensions(pairs)?;
        }
        Ok(())
    }
}

/// The client's own error, where one stands behind a failed read of a body.
fn unwrapped(error: io::Error) -> Failure {
    match error.downcast::<nokv_client::Error>() {
        Ok(error) => Failure::Client(error),
        Err(error) => Failure::Output(error),
    }
}

fn relative(path: &NsPath) -> Vec<u8> {
    let mut bytes = path.to_bytes();
    bytes.remove(0);
    bytes
}
