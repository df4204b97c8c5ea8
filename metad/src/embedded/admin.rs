//! Questions of whoever runs the namespace.

use super::blobs::refused;
use super::{Answered, Embedded};
use nokv_client::{CheckpointReport, DfReport, Explanation, Holder, Namespace as _, ObjectState, View};
use nokv_meta::{ObjectStanding, Reader, Reference};
use nokv_object::layout;
use nokv_store::HoltStore;
use nokv_types::{ObjectId, Work};

/// Most holders that an explanation names.
const HOLDERS_MAX: usize = 100;
/// Most reservations whose ids are looked for in the object store, the newest.
const RESERVATIONS_MAX: usize = 64;
/// Reserved ids that are not there, one after the other, behind which none is expected.
const UPLOADS_AT_ONCE: usize = 4;

impl Embedded {
    pub(super) fn explain(&self, object: ObjectId) -> Answered<Explanation> {
        let (info, reserved, references) = self.read(|reader| {
            let reserved = reader.reservation(object.reservation())?;
            let reserved = reserved.is_some_and(|reservation| {
                ObjectId::derive(&reservation.seed, reservation.reservation, object.index()) == object
            });
            Ok((
                reader.object_info(object)?,
                reserved,
                reader.explain(object, HOLDERS_MAX)?,
            ))
        })?;
        let state = match info.map(|info| (info.standing, info.references)) {
            Some((ObjectStanding::Live, references)) => ObjectState::Referenced(references),
            Some((ObjectStanding::Dead(since), _)) => ObjectState::Waiting(since),
            Some((ObjectStanding::Condemned, _)) => ObjectState::Waiting(nokv_types::Version::ZERO),
            None if reserved => ObjectState::Reserved,
            Some((ObjectStanding::Deleted, _)) | None => ObjectState::Unknown,
        };
        let stored = self
            .engine
            .core
            .objects
            .head(&layout::data(object.0))
            .map_err(refused)?;
        let mut holders = Vec::new();
        for reference in references {
            let because = self.read(|reader| because(reader, &reference))?;
            let Some((timeline, ino, generation)) = reference.body else {
                continue;
            };
            holders.push(Holder {
                timeline,
                ino,
                generation,
                path: reference.path.map(|path| path.to_bytes()),
                because,
            });
        }
        Ok(Explanation {
            object,
            state,
            stored: stored.is_some(),
            holders,
        })
    }

    pub(super) fn usage(&self) -> Answered<DfReport> {
        let core = &self.engine.core;
        let space = self.statfs()?;
        let frames = core.store.stats();
        let objects = self.read(|reader| reader.object_totals())?;
        let (objects_reserved, object_bytes_reserved) = self.reserved()?;
        Ok(DfReport {
            objects_reserved,
            object_bytes_reserved,
            live_bytes: space.bytes,
            live_inodes: space.inodes,
            frame_bytes: frames.frames.file_bytes + frames.manifest_bytes,
            log_bytes: core.upkeep.usage().file_bytes,
            event_bytes: core.events.files().usage().bytes,
            checkpoint_bytes: core.stored_checkpoint_bytes()?,
            event_bytes_held: core.events.held_bytes(),
            objects: objects.live,
            object_bytes: objects.live_bytes,
            objects_waiting: objects.waiting,
            object_bytes_waiting: objects.waiting_bytes,
        })
    }

    /// Objects under reserved ids that no body refers to, as far as they are looked for, and their bytes.
    ///
    /// Ids are used in their order, several at a time: after as many that are not there none follows.
    fn reserved(&self) -> Answered<(u64, u64)> {
        let open = self.read(|reader| reader.reservations_open(RESERVATIONS_MAX))?;
        let (mut looked, mut found, mut bytes) = (0, 0, 0);
        for reservation in open {
            let mut missing = 0;
            for object in reservation.objects {
                if missing == UPLOADS_AT_ONCE || looked == DfReport::RESERVED_MAX {
                    break;
                }
                looked += 1;
                let stored = self.engine.core.objects.head(&layout::data(object.0));
                match stored.map_err(refused)? {
                    Some(meta) => (found, bytes, missing) = (found + 1, bytes + meta.size_bytes, 0),
                    None => missing += 1,
                }
            }
        }
        Ok((found, bytes))
    }

    /// Publishes and saves, and trims what is no longer needed.
    pub(super) fn save(&self) -> Answered<CheckpointReport> {
        let core = &self.engine.core;
        let at = core.publish(&Work::SaveWindow)?;
        core.checkpoint()?;
        core.tend_log()?;
        Ok(CheckpointReport { version: at.version })
    }
}

/// Why a body row is still there.
fn because(reader: &Reader<'_, HoltStore>, reference: &Reference) -> nokv_meta::Result<String> {
    let Some((timeline, _, generation)) = reference.body else {
        return Ok("upload".to_owned());
    };
    if reference.current {
        for root in reader.roots()? {
            if root.node.timeline == timeline {
                return Ok(match root.name.as_slice() {
                    super::views::MAIN => "live".to_owned(),
                    name => format!("fork {}", nokv_types::show_bytes(name)),
                });
            }
        }
    }
    for pin in reader.pins()? {
        let view = View {
            point: pin.at,
            node: pin.node,
        };
        if view.point.timeline == timeline && view.point.version >= generation {
            return Ok(format!("snapshot {}", nokv_types::show_bytes(&pin.key)));
        }
    }
    Ok("history".to_owned())
}
