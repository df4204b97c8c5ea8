//! Bodies: extents as body rows hold them, read plans, what a publish makes visible.

use super::{Field, Input, field_enums, field_structs};
use nokv_types::codec::{put_extents, take_extents};
use nokv_types::{Extent, NewBody, ReadPlan, Target};

impl Field for Vec<Extent> {
    fn put(&self, out: &mut Vec<u8>) {
        put_extents(out, self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let max = input.budget.extents;
        let extents = take_extents(input, max)?;
        input.budget.extents = max.checked_sub(extents.len())?;
        Some(extents)
    }
}

/// Whether extents can be written: ascending, not overlapping, and few enough.
pub(crate) fn are_in_order(extents: &[Extent]) -> bool {
    let mut end = 0;
    extents.iter().all(|extent| {
        let begins = extent.at >= end;
        let ends = extent.at.checked_add(u64::from(extent.len));
        end = ends.unwrap_or(u64::MAX);
        begins && ends.is_some()
    })
}

field_structs! {
    ReadPlan { size, extents }
}

field_enums! {
    NewBody {
        1 = Whole { size: size, extents: extents },
        2 = Staged { size: size, upload: upload },
        3 = Clone { from: from, version: version },
    }
    Target {
        1 = Node { 0: node },
        2 = Name { parent: parent, name: name, inode: inode, create_only: create_only },
    }
}
