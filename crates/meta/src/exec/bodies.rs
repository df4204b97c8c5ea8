//! Bodies: whole publishes, and the release of what they replace.

use crate::batch::Batch;
use crate::batch::Retired;
use crate::keys::{self, Family};
use crate::rows::{BodyRow, Record};
use crate::{Error, Result};
use nokv_store::{Rows, Scan, Visit};
use nokv_types::{Attr, NewBody, Node, Outcome, RANGE_BYTES, Target, Version, XattrName};

impl<R: Rows> Batch<'_, R> {
    /// Gives a file a whole new body.
    pub(crate) fn publish(
        &mut self,
        _target: Target,
        _body: NewBody,
        _expect: Option<Version>,
        _xattrs: Vec<(XattrName, Vec<u8>)>,
    ) -> Result<Outcome> {
        Err(Error::refused(nokv_types::Code::Unsupported, "publish"))
    }

    /// Retires the rows that hold a body which nothing current refers to any more.
    pub(crate) fn retire_body(&mut self, node: Node, attr: &Attr) -> Result<()> {
        let ranges = attr.size.div_ceil(RANGE_BYTES);
        let mut range = 0;
        while range < ranges {
            let prefix = keys::body_range(node.timeline, node.ino, range);
            let mut newest = None;
            self.txn.scan(Scan::prefix(&prefix), &mut |key, value| {
                newest = Some((key.to_vec(), value.to_vec()));
                Visit::Stop
            })?;
            if let Some((key, value)) = newest {
                let (_, generation) =
                    keys::split_inverted(&key).ok_or_else(|| Error::corrupt("malformed key", "body row"))?;
                let _ = (BodyRow::decode(&value)?, Family::Body);
                if generation >= attr.base {
                    self.retire(
                        node.timeline,
                        Retired::Body {
                            ino: node.ino,
                            range,
                            generation,
                        },
                    );
                }
            }
            range += 1;
        }
        Ok(())
    }
}
