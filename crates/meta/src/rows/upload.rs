//! Staged publishes, from their beginning until nothing refers to what was staged.

use super::{Record, SCHEMA, schema};
use nokv_types::SessionId;
use nokv_types::codec::{Take, put_varint};

/// A staged publish; its key says whether it is open, sealed by a publish, or being removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadRow {
    /// Who began it; 0 = the server itself.
    pub(crate) session: SessionId,
    /// Log time after which an open one is given up, ns.
    pub(crate) expires: u64,
    /// End of the last extent that was staged.
    pub(crate) end: u64,
    /// Bytes of all staged extents.
    pub(crate) allocated: u64,
    /// Manifest rows that refer to it.
    pub(crate) references: u64,
    /// Once several bodies shared it: then its rows go only all together.
    pub(crate) shared: bool,
}

impl Record for UploadRow {
    const NAME: &'static str = "upload";

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(SCHEMA);
        for number in [
            self.session.0,
            self.expires,
            self.end,
            self.allocated,
            self.references,
        ] {
            put_varint(out, number);
        }
        out.push(u8::from(self.shared));
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        schema(take)?;
        Some(Self {
            session: SessionId(take.varint()?),
            expires: take.varint()?,
            end: take.varint()?,
            allocated: take.varint()?,
            references: take.varint()?,
            shared: match take.u8()? {
                0 => false,
                1 => true,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_uploads_are_fixed() {
        let row = UploadRow {
            session: SessionId(7),
            expires: 300,
            end: 4,
            allocated: 3,
            references: 2,
            shared: true,
        };
        assert_eq!(row.encode(), [1, 7, 0xac, 2, 4, 3, 2, 1]);
        assert_eq!(UploadRow::decode(&row.encode()).unwrap(), row);
    }
}
