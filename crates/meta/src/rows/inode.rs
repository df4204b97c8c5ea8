//! An inode row: where a single-link file's entry stands, or the attributes of what has none to embed them in.

use super::{Record, SCHEMA, attr, schema};
use nokv_types::codec::{Take, put_bytes, put_varint};
use nokv_types::{Attr, Ino};

/// The directory and name of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) parent: Ino,
    pub(crate) name: Vec<u8>,
}

/// The value of an inode row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inode {
    /// A single-link file: its attributes are in the entry at this place.
    Located(Place),
    /// A directory, with the place of its entry (the root's is itself and empty).
    Directory(Place, Attr),
    /// A file with several names (link rows hold them), or with none that is still open.
    Linked(Attr),
}

impl Inode {
    /// Appends the row of a single-link file, from borrowed parts.
    pub(crate) fn put_located(parent: Ino, name: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&[SCHEMA, 1]);
        put_varint(out, parent.0);
        put_bytes(out, name);
    }

    /// A directory's row, from borrowed parts.
    pub(crate) fn encode_directory(place: &Place, attr: &Attr) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + place.name.len());
        put_directory(place, attr, &mut out);
        out
    }
}

impl Record for Inode {
    const NAME: &'static str = "inode";

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Located(place) => Self::put_located(place.parent, &place.name, out),
            Self::Directory(place, attr) => put_directory(place, attr, out),
            Self::Linked(attr) => {
                out.extend_from_slice(&[SCHEMA, 3]);
                attr::put(attr, out);
            }
        }
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(match take.u8()? {
            1 => Self::Located(take_place(take)?),
            2 => Self::Directory(take_place(take)?, attr::take(take)?),
            3 => Self::Linked(attr::take(take)?),
            _ => return None,
        })
    }
}

fn put_directory(place: &Place, attr: &Attr, out: &mut Vec<u8>) {
    out.extend_from_slice(&[SCHEMA, 2]);
    put_place(place, out);
    attr::put(attr, out);
}

fn put_place(place: &Place, out: &mut Vec<u8>) {
    put_varint(out, place.parent.0);
    put_bytes(out, &place.name);
}

fn take_place(take: &mut Take<'_>) -> Option<Place> {
    Some(Place {
        parent: Ino(take.varint()?),
        name: take.bytes()?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::attr::tests::{SAMPLE, sample};

    #[test]
    fn bytes_of_inodes_are_fixed() {
        let place = Place {
            parent: Ino(7),
            name: b"ab".to_vec(),
        };
        let tail: &[u8] = &[7, 2, b'a', b'b'];
        let kinds = [
            (Inode::Located(place.clone()), [&[1, 1][..], tail].concat()),
            (
                Inode::Directory(place.clone(), sample()),
                [&[1, 2][..], tail, &SAMPLE].concat(),
            ),
            (Inode::Linked(sample()), [&[1, 3][..], &SAMPLE].concat()),
        ];
        for (row, bytes) in kinds {
            assert_eq!(row.encode(), bytes);
            assert_eq!(Inode::decode(&bytes).unwrap(), row);
            assert!(Inode::decode(&bytes[..bytes.len() - 1]).is_err());
        }
        assert_eq!(Inode::encode_directory(&place, &sample())[..2], [1, 2]);
        assert!(Inode::decode(&[1, 4]).is_err());
    }
}
