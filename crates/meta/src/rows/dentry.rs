//! A directory entry: what the name leads to, with the attributes of a file that has one name.

use super::{Record, SCHEMA, attr, schema};
use nokv_types::codec::{Take, put_varint};
use nokv_types::{Attr, FileKind, Ino};

/// The value of a directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dentry {
    pub(crate) ino: Ino,
    pub(crate) kind: FileKind,
    /// Attributes of a single-link file; directories and hard-linked files have an inode row of their own.
    pub(crate) attr: Option<Attr>,
}

impl Record for Dentry {
    const NAME: &'static str = "directory entry";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        put_varint(out, self.ino.0);
        match &self.attr {
            None => {
                out.push(0);
                out.push(self.kind as u8);
            }
            Some(embedded) => {
                out.push(1);
                attr::put(embedded, out);
            }
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        let ino = Ino(take.varint()?);
        match take.u8()? {
            0 => Some(Self {
                ino,
                kind: FileKind::from_number(take.u8()?)?,
                attr: None,
            }),
            1 => {
                let attr = attr::take(take)?;
                Some(Self {
                    ino,
                    kind: attr.kind,
                    attr: Some(attr),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::attr::tests::{SAMPLE, sample};

    #[test]
    fn bytes_of_entries_are_fixed() {
        let mut row = Dentry {
            ino: Ino(300),
            kind: FileKind::Directory,
            attr: None,
        };
        assert_eq!(row.encode(), [1, 0xac, 2, 0, 2]);
        assert_eq!(Dentry::decode(&row.encode()).unwrap(), row);
        row.kind = FileKind::File;
        row.attr = Some(sample());
        assert_eq!(row.encode(), [&[1, 0xac, 2, 1][..], &SAMPLE].concat());
        assert_eq!(Dentry::decode(&row.encode()).unwrap(), row);
        assert!(Dentry::decode(&[1, 2, 2, 2]).is_err());
    }
}
