//! Answers to whoever operates the service.

use super::{readiness, sessions, stat};
use crate::draw::Draw;
use nokv_protocol::{Done, OpKind};
use nokv_types::{
    CheckpointReport, DeadObject, DfReport, Explanation, Finding, FsckReport, GcReport, Holder, ObjectState,
    TimelineId,
};

pub(crate) fn dones(draw: &mut Draw) -> Vec<(OpKind, Done)> {
    draw.restart();
    let states = [
        ObjectState::Unknown,
        ObjectState::Reserved,
        ObjectState::Referenced(draw.num()),
        ObjectState::Waiting(draw.version()),
    ];
    let mut all: Vec<(OpKind, Done)> = states
        .into_iter()
        .map(|state| (OpKind::GcExplain, Done::Explained(explanation(draw, state))))
        .collect();
    all.extend([
        (OpKind::Ready, Done::Ready(readiness(draw))),
        (OpKind::Stats, Done::Stats(draw.list(stat))),
        (OpKind::Gc, Done::Gc(gc(draw))),
        (OpKind::Fsck, Done::Checked(fsck(draw))),
        (OpKind::Df, Done::Df(df(draw))),
        (
            OpKind::Checkpoint,
            Done::Saved(CheckpointReport {
                version: draw.version(),
            }),
        ),
        (OpKind::Sessions, Done::Sessions(sessions(draw))),
    ]);
    all
}

fn explanation(draw: &mut Draw, state: ObjectState) -> Explanation {
    Explanation {
        object: draw.object(),
        state,
        stored: draw.flag(),
        holders: draw.list(|draw| Holder {
            timeline: TimelineId(draw.num()),
            ino: draw.ino(),
            generation: draw.version(),
            path: draw.maybe(Draw::bytes),
            because: draw.text(),
        }),
    }
}

fn gc(draw: &mut Draw) -> GcReport {
    GcReport {
        rows_reclaimed: draw.num(),
        rows_pruned: draw.num(),
        objects: draw.list(|draw| DeadObject {
            object: draw.object(),
            since: draw.version(),
        }),
        objects_deleted: draw.num(),
        bytes_freed: draw.num(),
        objects_waiting: draw.num(),
    }
}

fn fsck(draw: &mut Draw) -> FsckReport {
    FsckReport {
        rows: draw.num(),
        inodes: draw.num(),
        objects: draw.num(),
        findings: draw.list(|draw| Finding {
            rule: draw.text(),
            subject: draw.text(),
            detail: draw.text(),
            repaired: draw.flag(),
        }),
    }
}

fn df(draw: &mut Draw) -> DfReport {
    DfReport {
        live_bytes: draw.num(),
        live_inodes: draw.num(),
        frame_bytes: draw.num(),
        log_bytes: draw.num(),
        event_bytes: draw.num(),
        event_bytes_held: draw.num(),
        checkpoint_bytes: draw.num(),
        objects: draw.num(),
        object_bytes: draw.num(),
        objects_waiting: draw.num(),
        object_bytes_waiting: draw.num(),
        objects_reserved: draw.num(),
        object_bytes_reserved: draw.num(),
    }
}
