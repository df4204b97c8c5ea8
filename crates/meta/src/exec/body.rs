//! Bodies: published whole, staged, cloned, written in part, cut, compacted; and released.
//!
//! Every change makes a new generation (the version of the command) and writes rows of the touched ranges only.
//! Rows are never changed; what a new row hides is retired, and the pruner drops it when nobody can see it.

mod clone;
mod compact;
mod edit;
mod publish;
mod release;
mod upload;
mod write;

pub use upload::UPLOAD_IDLE_NS;
pub(crate) use upload::{given_up_prefix, open_uploads_prefix};

use crate::Result;
use crate::batch::Batch;
use crate::rows::{BODY_ROW_BYTES_MAX, BodyRow, Record};
use crate::{extents, keys};
use nokv_store::Rows;
use nokv_types::{Code, Extent, Node, Refusal};

impl<R: Rows> Batch<'_, R> {
    /// Writes the row of a range at the running version; answers the bytes in it.
    ///
    /// # Errors
    /// `too_many` when the row would pass 32 KiB.
    fn put_body_row(&mut self, node: Node, range: u64, list: &BodyRow, too_many: Code) -> Result<u64> {
        let value = list.encode();
        if value.len() > BODY_ROW_BYTES_MAX {
            let detail = format!(
                "{} extents of inode {} do not fit the 32 KiB of a row; use fewer and larger ones",
                list.extents.len(),
                node.ino.0
            );
            return Err(Refusal::new(too_many, format!("range {range}"))
                .detail(detail)
                .into());
        }
        self.txn
            .put(keys::body(node.timeline, node.ino, range, self.version), value);
        Ok(extents::bytes(&list.extents))
    }
}

/// An empty list refuses a command that needs data.
fn check_some(list: Vec<Extent>) -> Result<Vec<Extent>> {
    if list.is_empty() {
        return Err(Refusal::new(Code::Invalid, "extents")
            .detail("there are none")
            .into());
    }
    Ok(list)
}
