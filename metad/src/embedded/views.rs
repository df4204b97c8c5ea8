//! Which state a caller means, and what of it the reader does not answer by itself.

use super::{Answered, Embedded};
use nokv_client::{At, Found, StatFs, View};
use nokv_types::{Code, DirEntry, Refusal};

/// The name of the workspace's own root.
pub(super) const MAIN: &[u8] = b"main";

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
        let newest = self.engine.core.published.newest();
        let (point, node) = self.read(|reader| {
            let info = reader.root(root)?;
            match at {
                At::Head => {
                    let view = View::head_of(info.node);
                    Ok((view.point, view.node))
                }
                At::Snapshot(key) => reader.point_of_snapshot(key),
                At::Version(version) => reader.point_of_version(root, *version),
                At::Time(wall_ns) => reader.point_of_time(root, *wall_ns, newest),
            }
        })?;
        Ok(View { point, node })
    }

    pub(super) fn space(&self) -> Answered<StatFs> {
        let used = self.read(|reader| {
            let head = View::head_of(reader.root(MAIN)?.node).point;
            reader.statfs(head)
        })?;
        Ok(StatFs {
            bytes: used.bytes,
            inodes: used.inodes,
            limits: used.limits,
        })
    }
}
