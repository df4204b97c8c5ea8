//! Which state a caller means, and what of it the reader does not answer by itself.

use super::{Answered, Embedded};
use nokv_client::{At, Found, StatFs, View};
use nokv_types::{Code, DirEntry, Ino, Node, QuotaUsage, ReadPlan, ReadPoint, Refusal, Version};

/// An entry with its attributes.
pub(super) fn found(entry: DirEntry) -> nokv_meta::Result<Found> {
    let attr = entry
        .attr
        .ok_or_else(|| Refusal::new(Code::Corrupt, "entry").detail("it has no attributes"))?;
    Ok(Found {
        node: entry.node,
        attr,
    })
}

impl Embedded {
    pub(super) fn view_of(&self, root: &[u8], at: &At) -> Answered<View> {
        let info = self.read(|reader| reader.root(root))?;
        let version = match at {
            At::Head => Version::HEAD,
            At::Version(version) => *version,
            At::Snapshot(key) => {
                let pin = self.read(|reader| reader.pin(key))?;
                return Ok(View {
                    point: pin.at,
                    node: pin.node,
                });
            }
            At::Time(_) => {
                return Err(nokv_client::Error::refused(
                    Code::Unsupported,
                    "reading at a time",
                ));
            }
        };
        Ok(View {
            point: ReadPoint {
                timeline: info.node.timeline,
                version,
            },
            node: info.node,
        })
    }

    pub(super) fn plan(&self, _point: ReadPoint, ino: Ino, _offset: u64, _len: u64) -> Answered<ReadPlan> {
        Err(nokv_client::Error::refused(
            Code::Unsupported,
            format!("body of inode {}", ino.0),
        ))
    }

    pub(super) fn quota_of(&self, node: Node) -> Answered<QuotaUsage> {
        Err(nokv_client::Error::refused(
            Code::Unsupported,
            format!("quota of inode {}", node.ino.0),
        ))
    }

    pub(super) fn space(&self) -> Answered<StatFs> {
        Err(nokv_client::Error::refused(Code::Unsupported, "space"))
    }
}
