//! The records that rows hold and their encoding; one file per kind.
//!
//! Owns: the bytes of every value. Must not know keys, versions of rows, or what commands do. Every record
//! starts with its schema byte; an unknown schema or malformed bytes are damage, never a guess.

mod attr;
mod body;
mod dentry;
mod global;
mod inode;
mod object;
mod pin;
mod progress;
mod quota;
mod root;
mod session;
mod time;
mod timeline;
mod totals;
mod upload;

pub(crate) use body::{BODY_ROW_BYTES_MAX, BodyRow, MANIFEST_PART, MANIFEST_RANGE, ManifestRow};
pub(crate) use dentry::Dentry;
pub(crate) use global::Counters;
pub(crate) use inode::{Inode, Place};
pub(crate) use object::{DeadRow, ObjectRow, ObjectState, ReservationRow};
pub(crate) use pin::PinRow;
pub(crate) use progress::{DetachedRow, FlattenRow, PruneWorkRow};
pub(crate) use quota::{Counting, QuotaRow, Usage};
pub(crate) use root::RootRow;
pub(crate) use session::{OpenRow, SessionRow};
pub(crate) use time::TimeRow;
pub use timeline::{Timeline, Uncounted};
pub use totals::ObjectTotals;
pub(crate) use totals::TotalsChange;
pub(crate) use upload::UploadRow;

use crate::{Error, Result};
use nokv_types::codec::Take;

/// A value that rows hold.
pub(crate) trait Record: Sized {
    /// What a damaged one is called in errors.
    const NAME: &'static str;

    /// Appends the encoded record.
    fn encode_into(&self, out: &mut Vec<u8>);

    /// Takes a record; `None` when malformed.
    fn take(take: &mut Take<'_>) -> Option<Self>;

    /// The encoded record.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.encode_into(&mut out);
        out
    }

    /// Decodes a whole record.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not one.
    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut take = Take::new(bytes);
        Self::take(&mut take)
            .filter(|_| take.is_empty())
            .ok_or_else(|| Error::corrupt("malformed record", Self::NAME))
    }
}

/// The schema byte that every record of this version starts with.
pub(crate) const SCHEMA: u8 = 1;

/// Takes the schema byte; `None` when it is another.
pub(crate) fn schema(take: &mut Take<'_>) -> Option<()> {
    (take.u8()? == SCHEMA).then_some(())
}
